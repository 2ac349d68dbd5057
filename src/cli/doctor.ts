import { EXPIRING_DAYS, OVERDUE_DAYS } from '../domain/health.js';
import { ApiKeysError } from '../errors.js';
import type { ServerFacts } from '../repository/server-facts.js';
import type { DoctorJson } from '../representation/schemas/doctor.js';
import type { Diagnosis, KeyFindings } from '../service/doctor.js';
import { CliError } from './cli-error.js';
import type { Context } from './context.js';
import { hintOf } from './hints.js';

export type Finding = DoctorJson['checks'][number];

export interface Examination {
  readonly document: DoctorJson;
  /** The first real problem. */
  readonly failure: ApiKeysError | null;
}

/** A host that is this far off makes people misread times. */
const CLOCK_TOLERANCE_MS = 5_000;

/** Examines the database and the configuration. What it finds wrong is in the document; it throws nothing for it. */
export async function examine(context: Context): Promise<Examination> {
  const { database, inForce } = await context.config();
  const config = inForce.map(({ variable, value, source }) => ({ name: variable, value, source }));
  const seen = await look(context);
  const checks = seen.ok
    ? findings(seen.diagnosis, seen.tls, database.kind)
    : [failed('database', seen.error)];
  const failure = seen.ok ? (schemaFailure(seen.diagnosis) ?? bindingFailure(seen.diagnosis)) : seen.error;
  const diagnosis = seen.ok ? seen.diagnosis : null;
  const document: DoctorJson = {
    ok: failure === null,
    database: {
      kind: database.kind,
      place: seen.place,
      source: database.source,
      server_version: diagnosis?.server.version ?? null,
      role: diagnosis?.server.role ?? null,
      latency_ms: diagnosis?.latencyMs ?? null,
      tls: seen.tls,
      size_bytes: seen.sizeBytes,
    },
    clock_ahead_ms: diagnosis?.clockAheadMs ?? null,
    schema: diagnosis && {
      state: diagnosis.schema.state,
      version: diagnosis.schema.version,
      target: diagnosis.schema.target,
    },
    profiles: diagnosis?.keys ? [...diagnosis.keys.profiles] : null,
    may_change_audit_events: diagnosis?.keys ? diagnosis.keys.waysToChangeThePast.length > 0 : null,
    expiring_keys: diagnosis?.keys?.expiring ?? null,
    overdue_keys: diagnosis?.keys?.overdue ?? null,
    checks,
    config,
  };
  return { document, failure };
}

type Look = { readonly place: string; readonly tls: boolean | null; readonly sizeBytes: number | null } & (
  | { readonly ok: true; readonly diagnosis: Diagnosis }
  | { readonly ok: false; readonly error: ApiKeysError }
);

async function look(context: Context): Promise<Look> {
  const facts = { place: await context.place(), tls: null, sizeBytes: null };
  try {
    return await context.use(async (service) => ({
      ...facts,
      ok: true as const,
      tls: service.tls,
      sizeBytes: service.sizeBytes(),
      diagnosis: await service.diagnose(context.now),
    }));
  } catch (error) {
    if (!(error instanceof ApiKeysError)) throw error;
    return { ...facts, ok: false, error };
  }
}

const ok = (name: string, message: string): Finding => ({
  name,
  status: 'ok',
  message,
  hint: null,
  code: null,
});

const warn = (name: string, message: string, hint: string): Finding => ({
  name,
  status: 'warn',
  message,
  hint,
  code: null,
});

const failed = (name: string, error: ApiKeysError): Finding => ({
  name,
  status: 'fail',
  message: error.message,
  hint: hintOf(error),
  code: error.code,
});

function findings(diagnosis: Diagnosis, tls: boolean | null, kind: 'server' | 'embedded'): Finding[] {
  const { server, latencyMs, clockAheadMs, keys } = diagnosis;
  const wrongSchema = schemaFailure(diagnosis);
  const wrongBinding = bindingFailure(diagnosis);
  return [
    ok('database', `PostgreSQL ${server.version} answered role ${server.role} in ${latencyMs} ms`),
    changes(server),
    durability(server),
    encryption(tls),
    wrongSchema === null
      ? ok('schema', `at version ${diagnosis.schema.version}, as it should be`)
      : failed('schema', wrongSchema),
    wrongBinding === null
      ? ok('bindings', 'nothing of the schema is bound to anything outside of it')
      : failed('bindings', wrongBinding),
    clock(clockAheadMs),
    ...(keys === null ? [] : [privileges(keys, kind), expiring(keys), overdue(keys)]),
  ];
}

function schemaFailure({ schema }: Diagnosis): ApiKeysError | null {
  switch (schema.state) {
    case 'current':
      return null;
    case 'missing':
      return new CliError('SCHEMA_MISSING', "there is no schema 'apikeys' yet", {
        hint: 'Run `apikeys migrate`.',
      });
    case 'behind':
      return new CliError('SCHEMA_BEHIND', `at version ${schema.version}, and ${schema.target} is needed`, {
        hint: 'Run `apikeys migrate`.',
      });
    case 'ahead':
      return new CliError(
        'SCHEMA_AHEAD',
        `at version ${schema.version}, newer than this version of apikeys`,
        {
          hint: 'Install the newer version of apikeys.',
        },
      );
    case 'changed':
      return new CliError('SCHEMA_CHANGED', 'a migration that was applied is not the one that is shipped', {
        hint: 'Reinstall apikeys. `apikeys migrate --status` names the migration.',
      });
    case 'unrecorded':
      return new CliError(
        'SCHEMA_UNRECORDED',
        'there are tables, but no record in schema_migrations of what made them',
        {
          hint: 'Restore the table apikeys.schema_migrations from a backup.',
        },
      );
  }
}

/** Whoever owns what a constraint or a trigger calls, runs code at each change, as whoever makes that change. */
function bindingFailure({ foreignBindings }: Diagnosis): ApiKeysError | null {
  const [first] = foreignBindings;
  if (first === undefined) return null;
  const more = foreignBindings.length - 1;
  return new CliError(
    'SCHEMA_CHANGED',
    `${first.object} is bound to ${first.foreign}, which is not PostgreSQL's own` +
      (more === 0 ? '' : `; ${more} more like it`),
    {
      hint:
        'Its owner may run code as whoever changes a key. Find out who made it. Drop a trigger, a rule or a policy; ' +
        'drop a constraint, a default or an index, and make it again as the migration does, with search_path set to pg_catalog.',
    },
  );
}

function changes({ standby, readOnly }: ServerFacts): Finding {
  if (standby) {
    return warn(
      'changes',
      'this server is a standby: it takes no changes, and may still let in a key that was revoked elsewhere',
      'Point the database URL at the primary server',
    );
  }
  if (!readOnly) return ok('changes', 'the server takes them');
  return warn(
    'changes',
    'refused: the role in use, or its database, is read-only by default',
    'Somebody set default_transaction_read_only; it is heeded until it is switched off',
  );
}

function durability({ durable }: ServerFacts): Finding {
  if (durable) return ok('durability', 'a change is on the disk before it is acknowledged');
  return warn(
    'durability',
    'synchronous_commit is off by default; changes made by apikeys wait for the disk nevertheless',
    'What others change in this database may be lost in a crash of the server',
  );
}

function encryption(tls: boolean | null): Finding {
  if (tls === null) return ok('encryption', 'none needed: nothing leaves this machine');
  if (tls) return ok('encryption', "TLS, with the server's certificate verified");
  return warn(
    'encryption',
    'none, so whoever is on the way reads along',
    'Leave sslmode=disable out of the URL',
  );
}

function clock(aheadMs: number): Finding {
  const seconds = Math.abs(aheadMs) / 1_000;
  const where = aheadMs > 0 ? 'ahead of' : 'behind';
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS)
    return ok('clock', `this host is within ${CLOCK_TOLERANCE_MS / 1_000} s of the database`);
  return warn(
    'clock',
    `this host is ${seconds} s ${where} the database`,
    "The database's clock decides; relative times shown here are off",
  );
}

function privileges({ profiles, waysToChangeThePast }: KeyFindings, kind: 'server' | 'embedded'): Finding {
  if (kind === 'embedded') return ok('privileges', 'all: the embedded database has a single user');
  if (waysToChangeThePast.length > 0) {
    return warn(
      'privileges',
      `the role in use could rewrite the audit trail: ${waysToChangeThePast.join('; ')}`,
      'For daily work use a role made with `apikeys grants --as admin`',
    );
  }
  if (profiles.length > 0) return ok('privileges', `enough for the work of: ${profiles.join(', ')}`);
  return warn(
    'privileges',
    'the role in use has too few for any work',
    "Have the schema's owner run `apikeys grants`",
  );
}

function expiring({ expiring: count }: KeyFindings): Finding {
  if (count === 0) return ok('expiry', `no key expires within ${EXPIRING_DAYS} days`);
  return warn(
    'expiry',
    `${count === 1 ? '1 live key expires' : `${count} live keys expire`} within ${EXPIRING_DAYS} days`,
    `\`apikeys list --expiring-within ${EXPIRING_DAYS}d\` shows them`,
  );
}

function overdue({ overdue: count }: KeyFindings): Finding {
  if (count === 0) return ok('cleanup', 'nothing is overdue');
  return warn(
    'cleanup',
    `${count === 1 ? '1 dead key' : `${count} dead keys`} should have been deleted more than ${OVERDUE_DAYS} days ago`,
    'Run `apikeys cleanup`, and have cron do it',
  );
}
