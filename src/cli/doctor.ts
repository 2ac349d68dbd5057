import { ApiKeysError, type ErrorCode } from '../errors.js';
import { policyRulesJson } from '../representation/policy.js';
import type { DoctorJson } from '../representation/schemas/doctor.js';
import type { Diagnosis } from '../service/doctor.js';
import { type Finding, noAnswer } from '../service/findings.js';
import type { Context } from './context.js';
import { OMITTED, type Words, wordsFor, wordsOf } from './doctor-words.js';

export type DoctorCheck = DoctorJson['checks'][number];

export interface Examination {
  readonly document: DoctorJson;
  /** The code of the first real problem. */
  readonly failure: ErrorCode | null;
}

/** Examines the database and the configuration. What it finds wrong is in the document; it throws nothing for it. */
export async function examine(context: Context): Promise<Examination> {
  const { database, inForce, files } = await context.config();
  const config = inForce.map(({ variable, value, source }) => ({ name: variable, value, source }));
  const seen = await look(context);
  const checks = seen.ok ? checksOf(seen.diagnosis) : withoutAnswer(seen.error);
  const failure = seen.ok ? seen.diagnosis.failure : seen.error.code;
  const diagnosis = seen.ok ? seen.diagnosis : null;
  const document: DoctorJson = {
    ok: failure === null,
    database: {
      kind: database.kind,
      place: seen.place,
      source: database.source,
      server_version: diagnosis?.server.version ?? null,
      role: diagnosis?.server.role ?? null,
      encoding: diagnosis?.server.encoding ?? null,
      latency_ms: diagnosis?.latencyMs ?? null,
      tls: diagnosis?.tls ?? null,
      size_bytes: seen.sizeBytes,
    },
    clock_ahead_ms: diagnosis?.clockAheadMs ?? null,
    schema: diagnosis?.schema
      ? {
          state: diagnosis.schema.state,
          version: diagnosis.schema.version,
          target: diagnosis.schema.target,
        }
      : null,
    row_security: diagnosis?.guardedTables.map(({ table }) => table) ?? null,
    policy: diagnosis?.keys?.policy ? policyRulesJson(diagnosis.keys.policy) : null,
    profiles: diagnosis?.keys ? [...diagnosis.keys.profiles] : null,
    may_change_audit_events: diagnosis?.keys ? diagnosis.keys.waysToRewriteAudit.length > 0 : null,
    expiring_keys: diagnosis?.keys?.expiring ?? null,
    overdue_keys: diagnosis?.keys?.overdue ?? null,
    checks,
    files: files.map(({ path, found }) => ({ path, found })),
    config,
  };
  return { document, failure };
}

type Look = { readonly place: string; readonly sizeBytes: number | null } & (
  | { readonly ok: true; readonly diagnosis: Diagnosis }
  | { readonly ok: false; readonly error: ApiKeysError }
);

async function look(context: Context): Promise<Look> {
  const facts = { place: await context.place(), sizeBytes: null };
  try {
    return await context.use(async (service) => ({
      ...facts,
      ok: true as const,
      sizeBytes: service.sizeBytes(),
      diagnosis: await service.diagnose(context.now),
    }));
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    return { ...facts, ok: false, error };
  }
}

function checksOf(diagnosis: Diagnosis): DoctorCheck[] {
  return diagnosis.findings.map((finding) => checkOf(finding, wordsFor(finding.finding, diagnosis)));
}

function withoutAnswer(error: ApiKeysError): DoctorCheck[] {
  return noAnswer(error).map((finding) =>
    checkOf(finding, finding.status === 'fail' ? wordsOf(error) : { message: OMITTED.no_answer, hint: null }),
  );
}

const checkOf = ({ check, status, code }: Finding, { message, hint }: Words): DoctorCheck => ({
  name: check,
  status,
  message,
  hint,
  code,
});
