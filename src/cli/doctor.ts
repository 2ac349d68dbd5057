import { CLOCK_TOLERANCE_MS, EXPIRING_DAYS, type FindingName, OVERDUE_DAYS } from '../domain/health.js';
import { SCHEMA_PROBLEMS } from '../domain/schema-state.js';
import { ApiKeysError, type ErrorCode, invariant } from '../errors.js';
import { policyRulesJson } from '../representation/policy.js';
import type { DoctorJson } from '../representation/schemas/doctor.js';
import type { Diagnosis } from '../service/doctor.js';
import { type Finding, type KeyFindings, noAnswer, type Observations } from '../service/findings.js';
import { RULES } from '../service/settings.js';
import { variableOf } from './config/variable.js';
import type { Context } from './context.js';
import { hintOf } from './hints.js';
import { policySentence } from './output/policy-view.js';

export type DoctorCheck = DoctorJson['checks'][number];

export interface Examination {
  readonly document: DoctorJson;
  /** The code of the first real problem. */
  readonly failure: ErrorCode | null;
}

/** Examines the database and the configuration. What it finds wrong is in the document; it throws nothing for it. */
export async function examine(context: Context): Promise<Examination> {
  const { database, inForce } = await context.config();
  const config = inForce.map(({ variable, value, source }) => ({ name: variable, value, source }));
  const seen = await look(context);
  const checks = seen.ok ? checksOf(seen.diagnosis) : [checkOf(noAnswer(seen.error), wordsOf(seen.error))];
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
      latency_ms: diagnosis?.latencyMs ?? null,
      tls: diagnosis?.tls ?? null,
      size_bytes: seen.sizeBytes,
    },
    clock_ahead_ms: diagnosis?.clockAheadMs ?? null,
    schema: diagnosis && {
      state: diagnosis.schema.state,
      version: diagnosis.schema.version,
      target: diagnosis.schema.target,
    },
    policy: diagnosis?.keys?.policy ? policyRulesJson(diagnosis.keys.policy) : null,
    profiles: diagnosis?.keys ? [...diagnosis.keys.profiles] : null,
    may_change_audit_events: diagnosis?.keys ? diagnosis.keys.waysToRewriteAudit.length > 0 : null,
    expiring_keys: diagnosis?.keys?.expiring ?? null,
    overdue_keys: diagnosis?.keys?.overdue ?? null,
    checks,
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

interface Words {
  readonly message: string;
  readonly hint: string | null;
}

type Told = Observations & { readonly keys: KeyFindings };

const NO_KEYS: KeyFindings = {
  profiles: [],
  waysToRewriteAudit: [],
  policy: null,
  settingsBeyondPolicy: [],
  expiring: 0,
  overdue: 0,
};

function checksOf(diagnosis: Diagnosis): DoctorCheck[] {
  const told = { ...diagnosis, keys: diagnosis.keys ?? NO_KEYS };
  return diagnosis.findings.map((finding) => checkOf(finding, WORDS[finding.finding](told)));
}

const checkOf = (
  { check, status, code }: Omit<Finding, 'finding'>,
  { message, hint }: Words,
): DoctorCheck => ({
  name: check,
  status,
  message,
  hint,
  code,
});

const wordsOf = (error: ApiKeysError): Words => ({ message: error.message, hint: hintOf(error) });

const words = (message: string, hint: string | null = null): Words => ({ message, hint });

const WORDS: Readonly<Record<FindingName, (told: Told) => Words>> = {
  answered: ({ server, latencyMs }) =>
    words(`PostgreSQL ${server.version} answered role ${server.role} in ${latencyMs} ms`),
  takes_changes: () => words('the server takes them'),
  standby: () =>
    words(
      'this server is a standby: it takes no changes, and may still let in a key that was revoked elsewhere',
      'Point the database URL at the primary server',
    ),
  read_only: () =>
    words(
      'refused: the role in use, or its database, is read-only by default',
      'Somebody set default_transaction_read_only; it is heeded until it is switched off',
    ),
  durable: () => words('a change is on the disk before it is acknowledged'),
  not_durable: () =>
    words(
      'synchronous_commit is off by default; changes made by apikeys wait for the disk nevertheless',
      'What others change in this database may be lost in a crash of the server',
    ),
  stays_here: () => words('none needed: nothing leaves this machine'),
  encrypted: () => words("TLS, with the server's certificate verified"),
  not_encrypted: () =>
    words('none, so whoever is on the way reads along', 'Leave sslmode=disable out of the URL'),
  schema_current: ({ schema }) => words(`at version ${schema.version}, as it should be`),
  schema_unusable: ({ schema }) => schemaWords(schema),
  own_bindings: () => words('nothing of the schema is bound to anything outside of it'),
  foreign_bindings: ({ foreignBindings }) => bindingWords(foreignBindings),
  clock_right: () => words(`this host is within ${CLOCK_TOLERANCE_MS / 1_000} s of the database`),
  clock_off: ({ clockAheadMs }) =>
    words(
      `this host is ${Math.abs(clockAheadMs) / 1_000} s ${clockAheadMs > 0 ? 'ahead of' : 'behind'} the database`,
      "The database's clock decides; relative times shown here are off",
    ),
  single_user: () => words('all: the embedded database has a single user'),
  can_rewrite_audit: ({ keys }) =>
    words(
      `the role in use could rewrite the audit trail: ${keys.waysToRewriteAudit.join('; ')}`,
      'For daily work use a role made with `apikeys grants --as admin`',
    ),
  enough_privileges: ({ keys }) => words(`enough for the work of: ${keys.profiles.join(', ')}`),
  too_few_privileges: () =>
    words('the role in use has too few for any work', "Have the schema's owner run `apikeys grants`"),
  no_policy: () => words('none: keys may be as the settings of each client say'),
  policy_in_force: ({ keys }) => words(policyWords(keys)),
  settings_beyond_policy: ({ keys }) => words(`${policyWords(keys)}; it cuts ${settingsBeyond(keys)}`),
  prefix_against_policy: ({ keys }) =>
    words(
      `${policyWords(keys)}; it is narrower than ${settingsBeyond(keys)}`,
      `No key can be made with this prefix: set ${variableOf(RULES.prefix)} to one that is allowed`,
    ),
  none_expiring: () => words(`no key expires within ${EXPIRING_DAYS} days`),
  some_expiring: ({ keys: { expiring } }) =>
    words(
      `${expiring === 1 ? '1 live key expires' : `${expiring} live keys expire`} within ${EXPIRING_DAYS} days`,
      `\`apikeys list --expiring-within ${EXPIRING_DAYS}d\` shows them`,
    ),
  none_overdue: () => words('nothing is overdue'),
  some_overdue: ({ keys: { overdue } }) =>
    words(
      `${overdue === 1 ? '1 dead key' : `${overdue} dead keys`} should have been deleted more than ${OVERDUE_DAYS} days ago`,
      'Run `apikeys cleanup`, and have cron do it',
    ),
};

const settingsBeyond = ({ settingsBeyondPolicy }: KeyFindings): string =>
  settingsBeyondPolicy.map((name) => variableOf(RULES[name])).join(', ');

const policyWords = ({ policy }: KeyFindings): string =>
  policy === null ? 'not known' : policySentence(policyRulesJson(policy));

function schemaWords({ state, version, target }: Diagnosis['schema']): Words {
  invariant(state !== 'current', 'a schema is found unusable, and it is current');
  const { code, describe } = SCHEMA_PROBLEMS[state];
  return wordsOf(new ApiKeysError(code, describe({ version, target })));
}

function bindingWords([first, ...more]: Diagnosis['foreignBindings']): Words {
  invariant(first !== undefined, 'a foreign binding is found, and there is none');
  return words(
    `${first.object} is bound to ${first.foreign}, which is not PostgreSQL's own` +
      (more.length === 0 ? '' : `; ${more.length} more like it`),
    'Its owner may run code as whoever changes a key. Find out who made it. Drop a trigger, a rule or a policy; ' +
      'drop a constraint, a default or an index, and make it again as the migration does, with search_path set to pg_catalog.',
  );
}
