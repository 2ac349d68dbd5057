import {
  CLOCK_TOLERANCE_MS,
  EXPIRING_DAYS,
  type FindingName,
  type Omission,
  OVERDUE_DAYS,
} from '../domain/health.js';
import { SCHEMA_PROBLEMS } from '../domain/schema-state.js';
import { ApiKeysError, invariant } from '../errors.js';
import { policyRulesJson } from '../representation/policy.js';
import type { KeyFindings, Observations } from '../service/findings.js';
import { RULES } from '../service/settings.js';
import { variableOf } from './config/variable.js';
import { disableRowSecurity, hintOf } from './hints.js';
import { policySentence } from './output/policy-view.js';

/** What is said of one thing, and what to do about it. */
export interface Words {
  readonly message: string;
  readonly hint: string | null;
}

const NO_KEYS: KeyFindings = {
  profiles: [],
  waysToRewriteAudit: [],
  policy: null,
  settingsBeyondPolicy: [],
  expiring: null,
  overdue: null,
};

/** The words for what an examination found. */
export const wordsFor = (finding: FindingName | Omission, seen: Observations): Words =>
  WORDS[finding]({ ...seen, keys: seen.keys ?? NO_KEYS });

type Told = Observations & { readonly keys: KeyFindings };

/** The words for what was not looked at. */
export const OMITTED: Readonly<Record<Omission, string>> = {
  no_answer: 'not looked at: the database gave no answer',
  no_schema: 'not looked at: the schema is not the one that this version works with',
  no_privilege: 'not looked at: the role in use may not read it',
};

export const wordsOf = (error: ApiKeysError): Words => ({ message: error.message, hint: hintOf(error) });

const words = (message: string, hint: string | null = null): Words => ({ message, hint });

const WORDS: Readonly<Record<FindingName | Omission, (told: Told) => Words>> = {
  no_answer: () => words(OMITTED.no_answer),
  no_schema: () => words(OMITTED.no_schema),
  no_privilege: () => words(OMITTED.no_privilege),
  answered: ({ server, latencyMs }) =>
    words(`PostgreSQL ${server.version} answered role ${server.role} in ${latencyMs} ms`),
  takes_changes: () => words('the server takes them'),
  standby: () =>
    words(
      'this server is a standby: it takes no changes, and may still let in a key that was revoked elsewhere',
      'Point the database URL at the primary server: verify, too, belongs there',
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
  utf8: () => words('UTF-8: every text can be stored'),
  other_encoding: ({ server }) =>
    words(
      `${server.encoding}: text that it has no character for is refused`,
      'Names, owners and reasons then have to fit it; a database made with ENCODING UTF8 takes every text',
    ),
  stays_here: () => words('none needed: nothing leaves this machine'),
  encrypted: () => words("TLS, with the server's certificate verified"),
  not_encrypted: () =>
    words('none, so whoever is on the way reads along', 'Leave sslmode=disable out of the URL'),
  schema_current: ({ schema }) => words(`at version ${schema?.version}, as it should be`),
  schema_unusable: ({ schema }) => schemaWords(schema),
  schema_refused: ({ schemaRefusal }) => {
    invariant(schemaRefusal !== null, 'the schema is refused, and nothing refused it');
    return wordsOf(schemaRefusal);
  },
  own_bindings: () => words('nothing of the schema is bound to anything outside of it'),
  foreign_bindings: ({ foreignBindings }) => bindingWords(foreignBindings),
  rows_unguarded: () => words('no table has row level security'),
  rows_guarded_for_others: ({ guardedTables }) =>
    words(
      `${tablesOf(guardedTables)} row level security: every other role is refused there`,
      switchOff(guardedTables),
    ),
  rows_guarded: ({ guardedTables }) =>
    words(
      `${tablesOf(guardedTables)} row level security, and the role in use is refused there: part of the keys would be as good as none`,
      switchOff(guardedTables),
    ),
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

type Tables = Observations['guardedTables'];

const tablesOf = (tables: Tables): string =>
  `${tables.map(({ table }) => table).join(', ')} ${tables.length === 1 ? 'has' : 'have'}`;

const switchOff = (tables: Tables): string =>
  `Have the schema's owner run: ${tables.map(({ table }) => disableRowSecurity(table)).join(' ')}`;

const settingsBeyond = ({ settingsBeyondPolicy }: KeyFindings): string =>
  settingsBeyondPolicy.map((name) => variableOf(RULES[name])).join(', ');

const policyWords = ({ policy }: KeyFindings): string =>
  policy === null ? 'not known' : policySentence(policyRulesJson(policy));

function schemaWords(schema: Observations['schema']): Words {
  invariant(schema !== null && schema.state !== 'current', 'a schema is found unusable, and it is current');
  const { state, version, target } = schema;
  const { code, describe } = SCHEMA_PROBLEMS[state];
  return wordsOf(new ApiKeysError(code, describe({ version, target })));
}

function bindingWords([first, ...more]: Observations['foreignBindings']): Words {
  invariant(first !== undefined, 'a foreign binding is found, and there is none');
  return words(
    `${first.object} is bound to ${first.foreign}, which is not PostgreSQL's own` +
      (more.length === 0 ? '' : `; ${more.length} more like it`),
    'Its owner may run code as whoever changes a key. Find out who made it. Drop a trigger, a rule or a policy; ' +
      'drop a constraint, a default or an index, and make it again as the migration does, with search_path set to pg_catalog.',
  );
}
