/** What an examination says of one thing; `skip`: it was not looked at. */
export const FINDING_STATUSES = ['ok', 'warn', 'fail', 'skip'] as const;

export type FindingStatus = (typeof FINDING_STATUSES)[number];

/** Where the keys live: in a server, or in the PostgreSQL that is built in. */
export const DATABASE_KINDS = ['server', 'embedded'] as const;

/** A host that is this far off makes people misread times. */
export const CLOCK_TOLERANCE_MS = 5_000;

/** Keys that end this soon deserve a look. */
export const EXPIRING_DAYS = 14;

/** Cleanup that runs at least weekly never leaves the dead for longer than this beyond their retention. */
export const OVERDUE_DAYS = 7;

/** Everything that an examination may find of a database that answers, each with the check that finds it, and how bad it is. */
export const FINDINGS = {
  answered: { check: 'database', status: 'ok' },
  takes_changes: { check: 'changes', status: 'ok' },
  standby: { check: 'changes', status: 'fail' },
  read_only: { check: 'changes', status: 'warn' },
  durable: { check: 'durability', status: 'ok' },
  not_durable: { check: 'durability', status: 'warn' },
  utf8: { check: 'encoding', status: 'ok' },
  other_encoding: { check: 'encoding', status: 'warn' },
  stays_here: { check: 'encryption', status: 'ok' },
  encrypted: { check: 'encryption', status: 'ok' },
  not_encrypted: { check: 'encryption', status: 'warn' },
  schema_current: { check: 'schema', status: 'ok' },
  schema_unusable: { check: 'schema', status: 'fail' },
  schema_refused: { check: 'schema', status: 'fail' },
  own_bindings: { check: 'bindings', status: 'ok' },
  foreign_bindings: { check: 'bindings', status: 'fail' },
  rows_unguarded: { check: 'row-security', status: 'ok' },
  rows_guarded_for_others: { check: 'row-security', status: 'warn' },
  rows_guarded: { check: 'row-security', status: 'fail' },
  clock_right: { check: 'clock', status: 'ok' },
  clock_off: { check: 'clock', status: 'warn' },
  single_user: { check: 'privileges', status: 'ok' },
  can_rewrite_audit: { check: 'privileges', status: 'warn' },
  enough_privileges: { check: 'privileges', status: 'ok' },
  too_few_privileges: { check: 'privileges', status: 'warn' },
  no_policy: { check: 'policy', status: 'ok' },
  policy_in_force: { check: 'policy', status: 'ok' },
  settings_beyond_policy: { check: 'policy', status: 'ok' },
  prefix_against_policy: { check: 'policy', status: 'warn' },
  none_expiring: { check: 'expiry', status: 'ok' },
  some_expiring: { check: 'expiry', status: 'warn' },
  none_overdue: { check: 'cleanup', status: 'ok' },
  some_overdue: { check: 'cleanup', status: 'warn' },
} as const satisfies Record<string, { readonly check: string; readonly status: FindingStatus }>;

export type FindingName = keyof typeof FINDINGS;

/** Why a check was not made. */
export const OMISSIONS = ['no_answer', 'no_schema', 'no_privilege'] as const;

export type Omission = (typeof OMISSIONS)[number];

/** Every check, in the order in which it is told. */
export const CHECKS: readonly string[] = [...new Set(Object.values(FINDINGS).map(({ check }) => check))];
