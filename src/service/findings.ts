import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../db/engine.js';
import type { SchemaStatus } from '../db/schema/migrate.js';
import {
  CHECKS,
  CLOCK_TOLERANCE_MS,
  EXPIRING_DAYS,
  FINDINGS,
  type FindingName,
  type FindingStatus,
  type Omission,
  OVERDUE_DAYS,
} from '../domain/health.js';
import { NO_POLICY, type Policy } from '../domain/policy.js';
import type { Profile } from '../domain/profiles.js';
import { SCHEMA_PROBLEMS } from '../domain/schema-state.js';
import type { ApiKeysError, ErrorCode } from '../errors.js';
import type { ForeignBinding } from '../repository/foreign-bindings.js';
import type { GuardedTable } from '../repository/row-security.js';
import type { ServerFacts } from '../repository/server-facts.js';
import type { SettingBeyondPolicy } from './policy-in-force.js';

/** What an examination saw. */
export interface Observations {
  readonly kind: Engine['kind'];
  /** Whether the connection is encrypted; null where nothing leaves this machine. */
  readonly tls: boolean | null;
  readonly server: ServerFacts;
  /** The answer to the first question, connecting included, in milliseconds. */
  readonly latencyMs: number;
  /** How far this host's clock is ahead of the database's, in milliseconds; only the database's decides anything. */
  readonly clockAheadMs: number;
  /** Null where the role in use may not look at it. */
  readonly schema: SchemaStatus | null;
  /** Why it may not. */
  readonly schemaRefusal: ApiKeysError | null;
  /** What of the schema is bound to something outside of it. */
  readonly foreignBindings: readonly ForeignBinding[];
  /** The tables of the schema that have row level security. */
  readonly guardedTables: readonly GuardedTable[];
  /** Null until the schema is there, and may be looked at. */
  readonly keys: KeyFindings | null;
}

export interface KeyFindings {
  /** What the role in use has the privileges for. */
  readonly profiles: readonly Profile[];
  /** How the role in use could rewrite or delete audit events; empty: it cannot. */
  readonly waysToRewriteAudit: readonly string[];
  /** What keys are held to; null where the role in use may not read it. */
  readonly policy: Policy | null;
  /** Settings in force that the policy is narrower than: with them no key is made as configured. */
  readonly settingsBeyondPolicy: readonly SettingBeyondPolicy[];
  /** Live keys of the caller's tenant that end within {@link EXPIRING_DAYS}; null where the role may not look. */
  readonly expiring: number | null;
  /** Keys that cleanup would delete, and should have deleted more than {@link OVERDUE_DAYS} ago; null likewise. */
  readonly overdue: number | null;
}

/** What an examination says of one thing. The words for it are the face's. */
export interface Finding {
  /** What was looked at, such as `schema`. */
  readonly check: string;
  readonly finding: FindingName | Omission;
  readonly status: FindingStatus;
  /** With `fail`, the code of the error that work would meet. */
  readonly code: ErrorCode | null;
}

/** What is found where the database does not answer: that, and nothing else. */
export function noAnswer({ code }: ApiKeysError): Finding[] {
  const answer = FINDINGS.answered.check;
  return CHECKS.map((check) =>
    check === answer ? { check, finding: 'no_answer', status: 'fail', code } : skipped(check, 'no_answer'),
  );
}

const skipped = (check: string, why: Omission): Finding => ({
  check,
  finding: why,
  status: 'skip',
  code: null,
});

/** Judges what was seen, in the order in which it is told. */
export function findingsOf(seen: Observations): Finding[] {
  const { server, tls, foreignBindings, clockAheadMs, keys } = seen;
  return [
    finding('answered'),
    server.standby ? finding('standby', 'DATABASE_READ_ONLY') : finding(changes(server)),
    finding(server.durable ? 'durable' : 'not_durable'),
    finding(server.encoding === 'UTF8' ? 'utf8' : 'other_encoding'),
    finding(tls === null ? 'stays_here' : tls ? 'encrypted' : 'not_encrypted'),
    findingOfSchema(seen),
    foreignBindings.length === 0
      ? finding('own_bindings')
      : // Whoever owns what a constraint or a trigger calls, runs code at each change, as whoever makes that change.
        finding('foreign_bindings', 'SCHEMA_CHANGED'),
    findingOfRows(seen.guardedTables),
    finding(Math.abs(clockAheadMs) <= CLOCK_TOLERANCE_MS ? 'clock_right' : 'clock_off'),
    ...(keys === null
      ? OF_KEYS.map((check) => skipped(check, seen.schema === null ? 'no_privilege' : 'no_schema'))
      : findingsOfKeys(keys, seen.kind)),
  ];
}

/** What is looked at in the tables, and told last. */
const OF_KEYS = CHECKS.slice(CHECKS.indexOf(FINDINGS.single_user.check));

function findingOfSchema({ schema, schemaRefusal }: Observations): Finding {
  if (schema === null) return finding('schema_refused', schemaRefusal?.code ?? null);
  if (schema.state === 'current') return finding('schema_current');
  return finding('schema_unusable', SCHEMA_PROBLEMS[schema.state].code);
}

function findingOfRows(tables: readonly GuardedTable[]): Finding {
  if (tables.some(({ binds }) => binds)) return finding('rows_guarded', 'PERMISSION_DENIED');
  return finding(tables.length === 0 ? 'rows_unguarded' : 'rows_guarded_for_others');
}

const changes = ({ readOnly }: ServerFacts): FindingName => (readOnly ? 'read_only' : 'takes_changes');

function findingsOfKeys(keys: KeyFindings, kind: Observations['kind']): Finding[] {
  return [
    finding(kind === 'embedded' ? 'single_user' : privileges(keys)),
    keys.policy === null ? skipped('policy', 'no_privilege') : finding(policy(keys.policy, keys)),
    keys.expiring === null
      ? skipped('expiry', 'no_privilege')
      : finding(keys.expiring === 0 ? 'none_expiring' : 'some_expiring'),
    keys.overdue === null
      ? skipped('cleanup', 'no_privilege')
      : finding(keys.overdue === 0 ? 'none_overdue' : 'some_overdue'),
  ];
}

function privileges({ profiles, waysToRewriteAudit }: KeyFindings): FindingName {
  if (waysToRewriteAudit.length > 0) return 'can_rewrite_audit';
  return profiles.length > 0 ? 'enough_privileges' : 'too_few_privileges';
}

function policy(inForce: Policy, { settingsBeyondPolicy }: KeyFindings): FindingName {
  // A lifetime is cut and a number of keys is not reached, but with such a prefix nothing is made at all.
  if (settingsBeyondPolicy.includes('prefix')) return 'prefix_against_policy';
  if (settingsBeyondPolicy.length > 0) return 'settings_beyond_policy';
  return isDeepStrictEqual(inForce, NO_POLICY) ? 'no_policy' : 'policy_in_force';
}

const finding = (name: FindingName, code: ErrorCode | null = null): Finding => ({
  finding: name,
  ...FINDINGS[name],
  code,
});
