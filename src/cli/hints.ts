import { quote, quoteIdentifier } from '../domain/quote.js';
import type { ErrorDetails, ErrorReason, PolicyRule } from '../error-details.js';
import type { ApiKeysError, ErrorCode } from '../errors.js';
import { CliError } from './cli-error.js';
import { shellWord } from './output/shell-word.js';
import { writeTime } from './time-forms.js';

/** What to do next at the command line, as one sentence; null where the message says all there is. */
type Hint = string | null | ((details: ErrorDetails) => string);

/** No policy of somebody else's can be right for tables that only this program reads. */
export const disableRowSecurity = (table: string): string =>
  `ALTER TABLE apikeys.${table} DISABLE ROW LEVEL SECURITY;`;

/** What to do about an error, in the words of the command line. */
export function hintOf(error: ApiKeysError): string | null {
  if (error instanceof CliError) return error.hint;
  const { code, details } = error;
  const { reason, shown, deleted, checked } = details;
  if (shown !== undefined) return SHOWN[shown];
  // What a role may not do, it may not do the next time either.
  if (deleted !== undefined && code !== 'PERMISSION_DENIED')
    return 'Run it again: it goes on with what is left.';
  if (checked !== undefined)
    return `Go on behind these chains, with the same options and --resume ${checked.cursor}`;
  const hint = reason === undefined ? BY_CODE[code] : BY_REASON[reason];
  return typeof hint === 'function' ? hint(details) : hint;
}

const SHOWN: Readonly<Record<'dead' | 'unknown', string>> = {
  dead: 'Throw it away and try again.',
  unknown: 'Look with `apikeys show <its prefix>` before you use it or try again.',
};

const SEE_POLICY = '`apikeys policy` shows what is in force.';

/** A policy is changed by another role than the one that meets it. */
const POLICY_HINTS: Readonly<Record<PolicyRule, string>> = {
  max_lifetime: `Name a shorter lifetime with --expires. ${SEE_POLICY}`,
  require_expiry: `Name one with --expires. ${SEE_POLICY}`,
  max_keys: `Revoke a key that is no longer needed. ${SEE_POLICY}`,
  scopes: `Give others: \`apikeys scopes\` changes those of a key. ${SEE_POLICY}`,
  prefixes: `Set APIKEYS_PREFIX to one of these. ${SEE_POLICY}`,
};

const RETRY = 'Nothing was changed. Try again.';

const BY_CODE: Readonly<Record<ErrorCode, Hint>> = {
  INVALID_USAGE: null,
  INVALID_INPUT: null,
  INVALID_CONFIG: null,
  SECRET_IN_ARGUMENT: ({ keyPrefix }) =>
    `Pass it on stdin, with - in its place, or name the key by its key prefix${keyPrefix === undefined ? '' : `, ${keyPrefix}`}.`,
  CONFIRMATION_REQUIRED: null,
  NOT_CONFIRMED: null,
  NO_DATABASE: null,
  EMBEDDED_NOT_INSTALLED:
    'Install it with `npm install @electric-sql/pglite@0.5.16`, or name a PostgreSQL server.',
  KEY_NOT_FOUND:
    'A key is named by its id, a key prefix such as rv_1a2b3c4d (4 digits or more), or its name; `apikeys list` shows them.',
  OWNER_NOT_FOUND: 'An owner is known from its first key on. `apikeys list` shows the owners of all keys.',
  ROLE_NOT_FOUND: 'Make it first, for example: CREATE ROLE … LOGIN PASSWORD …',
  LIMIT_REACHED: 'Revoke a key that is no longer needed, or raise APIKEYS_MAX_PER_USER.',
  POLICY_VIOLATION: ({ rule }) => (rule === undefined ? SEE_POLICY : POLICY_HINTS[rule]),
  OWNER_FROZEN: 'Lift it with `apikeys unfreeze --owner` first.',
  KEY_AMBIGUOUS: 'Name the one you mean by its key prefix or id, or narrow it with --owner.',
  OWNER_AMBIGUOUS: 'Name the one you mean with --tenant.',
  KEY_REVOKED: 'A revoked key has ended for good. Make a new one with `apikeys create`.',
  TOO_MANY_SECRETS: 'End the older ones with --grace 0, or wait until one of them ends.',
  SECRET_NOT_AVAILABLE: null,
  IDEMPOTENCY_CONFLICT: ({ key }) => `That key is ${key}. Use an idempotency key of its own for each key.`,
  AUDIT_CHAIN_BROKEN:
    'See `apikeys audit verify`. To end access, revoke, freeze and rotate --end-grace work all the same.',
  FEATURE_DISABLED:
    'Set APIKEYS_ENABLE_API_KEY_MANAGEMENT=true to switch it on. Revoke and freeze work either way.',
  DATABASE_UNREACHABLE: RETRY,
  DATABASE_TIMEOUT: RETRY,
  DATABASE_BUSY: RETRY,
  DATABASE_READ_ONLY:
    'Point the database URL at the primary server (of several hosts: target_session_attrs=read-write), or have default_transaction_read_only switched off.',
  EMBEDDED_LOCKED: null,
  SCHEMA_MISSING: 'Run `apikeys migrate` once, with a role that may create a schema.',
  SCHEMA_BEHIND: 'Run `apikeys migrate`.',
  SCHEMA_AHEAD: 'Install the newer version of apikeys that made it.',
  SCHEMA_CHANGED: 'Reinstall apikeys. `apikeys migrate --status` names the migration.',
  SCHEMA_UNRECORDED:
    'Restore the table apikeys.schema_migrations from a backup, or use a database without a schema of that name.',
  OUTCOME_UNKNOWN: 'Look before you try again: `apikeys list`, or `apikeys show <key>`.',
  DATABASE_DAMAGED: "Look into the server's log and at its disk, and restore the database from a backup.",
  LOGIN_REFUSED: null,
  PERMISSION_DENIED: ({ role, object, schemaOwner }) =>
    role === undefined
      ? "Use a role with the privilege, or have the schema's owner grant it."
      : object === 'table apikeys.policies' || object === 'table apikeys.policy_lock'
        ? // The profile takes the place of the one that the role has.
          'Use a role of its own for policies, made with: apikeys grants --role <role> --as policy --apply'
        : `Have the schema's owner${schemaOwner === undefined ? '' : `, ${schemaOwner},`} run: apikeys grants --role ${shellWord(role)} --as admin --apply (or --as auditor, to read; verifier, to verify and count)`,
  OUTPUT_FAILED: null,
  INTERRUPTED: null,
  INTERNAL: null,
};

const BY_REASON: Readonly<Record<ErrorReason, Hint>> = {
  empty: 'Give at least one character.',
  white_space: 'Remove it.',
  too_long: 'Make it shorter.',
  unsafe_character: 'Remove control and invisible characters.',
  contains_secret:
    'Take the key out. If it is in use, rotate it: it may be in a shell history or a log by now.',
  name_taken: 'Choose another name.',
  reference_empty: 'Give its id, its key prefix or its name.',
  reference_character: 'Remove the NUL or broken character.',
  no_key_in_text: 'Pass the raw key, or a line that holds it.',
  several_keys_in_text: 'Pass one of them at a time.',
  prefix:
    'Write at most 20 letters, digits, _ and -, beginning with a letter and ending with _ or -, such as rv_.',
  scope: 'Write scopes such as read, orders:write, orders:* or *.',
  metadata_key: 'Choose another key.',
  metadata_value: 'Write it in quotes.',
  encoding: 'Write it with other characters, or keep the keys in a database made with ENCODING UTF8.',
  metadata_size: 'Keep it short: it is read with every key.',

  duration: writeTime,
  time: writeTime,
  expiry_past: "Name a later time, or a duration such as 30d. The database's clock decides.",
  freeze_past: "Name a later time, or a duration such as 2h. The database's clock decides.",
  freeze_zero: 'Name a duration such as 2h, or leave --until out: then it lasts until it is unfrozen.',
  range_reversed: 'Let --since come before --until.',

  rate: 'Write requests and a window of 1s to 1d: 100/1m, 10/1s or 5000/1h.',
  quota: 'Write requests and a period: 1000/day, 5000/week, 100000/month or 10/total.',
  budget: 'Write cents and a period: 500/day, 2000/week, 10000/month or 50000/total.',
  limit_zero:
    'Stop a key with `apikeys freeze`; take a limit off with `apikeys limits <key> --none rate` (quota, budget, ip).',
  address: 'Write an address or a range of IPv4 or IPv6: 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32.',
  policy_lifetime: 'Write a duration such as 90d. `apikeys policy unset --max-lifetime` takes the rule away.',
  policy_empty: 'Name at least one, or take the rule away with `apikeys policy unset`.',

  page_size: ({ most = 1_000 }) => `Name a limit from 1 to ${most}.`,
  batch_size: ({ usual }) => `Leave the batch size out: ${usual} suits most.`,
  cursor: 'Use next_cursor of the previous page, with the same filters and the same sort.',
  cursor_of_other_order: 'Use next_cursor of the page before, with the same filters and the same sort.',
  cursor_of_other_list: 'Use next_cursor of the page before, with the same filters.',
  cursor_of_other_verification:
    'Use next_cursor with the tenant, --head and --chain-only that it was made with.',
  unknown_action: ({ known = [] }) => `The actions are ${known.join(', ')}.`,

  usage: 'Nothing of it was recorded.',
  import_line: ({ line, repeatable }) =>
    repeatable
      ? 'Mend the line and run it again with the same --import-id: it goes on from there.'
      : `Mend the line and run it again from line ${line} on: without --import-id, lines count again.`,
  import_of_other_input:
    'Import it under an id of its own, or run the import again with the input it began with.',
  heads_damaged: 'Use a file as `apikeys audit head` wrote it, to its last line.',

  role_reserved: 'Name a role of its own, made with CREATE ROLE … LOGIN PASSWORD …',
  role_unbound:
    'Use a role of its own, without such an attribute or membership: CREATE ROLE … LOGIN PASSWORD …',
  no_events:
    'Keys that were deleted are in `apikeys audit --action key.deleted`, for as long as their events are kept.',

  database_url:
    'Write postgres://user:password@host:5432/database, with special characters in the password percent-encoded.',
  url_parameter:
    'The README says which parameters are heeded; write the value as PostgreSQL has it, or leave it out.',
  libpq_variable: ({ variable }) => `Unset ${variable}, or say in the database URL what you need.`,
  service:
    "See ~/.pg_service.conf, or the file that PGSERVICEFILE names; PGSYSCONFDIR names the folder of the system's.",
  file_unreadable: 'Name a regular file that this user may read.',
  folder_unusable:
    'Choose another folder for the embedded database, such as --database-url-file with `embedded:/path`.',
  folder_of_other_user: 'Run apikeys as that user, or choose another folder for the embedded database.',
  folder_of_other_version: 'Use the version of apikeys that made it, or choose another folder.',
  folder_not_empty: 'Name an empty folder, or one that does not exist yet.',

  other_rotation: 'Use an idempotency key of its own for each rotation.',
  key_cut: ({ keyPrefix }) => `Look for the rest, or try its key prefix: \`apikeys show ${keyPrefix}\`.`,
  key_mistyped: ({ keyPrefix }) => `Copy it again, or try its key prefix: \`apikeys show ${keyPrefix}\`.`,

  connect: 'Nothing was changed. Check that the server runs and can be reached from here, then try again.',
  no_tls: 'Switch TLS on in the server; sslmode=disable in the URL goes without.',
  certificate: 'Name the authority that signed it with sslrootcert=/path/to/ca.crt in the URL.',
  certificate_name:
    'Write the host by a name that its certificate has; hostaddr=… in the URL says where that is.',
  certificate_time: "Renew the server's certificate, or set this machine's clock.",
  no_host: 'Name the primary server among the hosts, and see that it runs and can be reached from here.',
  closed: null,
  commit_lost: 'Try again.',
  folder_failed: 'Check the disk and the folder, then try again.',
  files_damaged: ({ path }) =>
    `Restore ${path} from a backup, or move it away to begin with an empty database.`,
  pool_exhausted: 'Raise the size of the pool, or try again later.',
  disk_full: 'Make room on its disk, then try again.',
  host_disk_full: 'Make room on the disk, then try again.',
  host_memory: 'It takes about 300 MB. Make room, then try again.',
  embedded_busy: 'Try again.',

  lock_unreadable:
    'Make sure that no apikeys process uses this folder on any machine, then run it again with --break-lock.',
  holder_unseen:
    'Wait until it has ended. If its machine or container is gone for good, run this again with --break-lock.',
  holder_alive: ({ breakLock }) =>
    breakLock
      ? '--break-lock does not take it from a process that runs on this machine: end that process, or wait for it.'
      : 'Try again when that process has ended.',
  lock_lost: 'Look at what is stored before you try again.',

  wrong_password: 'Check the user and the password of the database URL.',
  host_refused: "Check the user, and the server's pg_hba.conf.",
  no_database: 'Check the database name in the URL, or create the database first.',
  no_password: 'Put the password into the database URL file, PGPASSWORD or ~/.pgpass.',
  connection_refused: 'Check user, database, pooler and PGOPTIONS; the log of the server says more.',
  login_options: 'Check PGOPTIONS, or options in the URL, and what ALTER ROLE … SET has set for the role.',
  no_connections: 'Name another database in the URL, or ALTER DATABASE … ALLOW_CONNECTIONS true.',
  no_connect: ({ role = '…', database = '…' }) =>
    `Have its owner run: GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(role)}`,
  no_binding: "Leave channel_binding out: the server's certificate is verified either way.",
  password_file_kind: 'Put a file there, or set PGPASSFILE.',
  password_file_mode: ({ path = '' }) => `Run: chmod 600 on ${quote(path)}`,
  password_file_size: 'Set PGPASSFILE to a smaller one.',

  not_grantable: "Run this as the schema's owner: the role that ran `apikeys migrate`.",
  audit_not_deletable:
    "Leave --audit-older-than out with this role, and prune as the schema's owner: the role that ran `apikeys migrate`.",
  no_create: ({ role = '…', database = '…' }) =>
    `Have its owner run: GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(role)}; or use the role that owns it.`,
  row_security: ({ tables = [] }) =>
    `Have the schema's owner run: ${tables.map(disableRowSecurity).join(' ')}`,
  part_missing: 'Run `apikeys migrate`.',
  statement_refused:
    'This is a defect in apikeys, or the schema was altered by hand. Run with --debug and report it.',
  unexpected: 'This is a defect in apikeys. Run with --debug and report it.',
};
