import type { KeySort, KeyStatus } from '../../../src/domain/key.js';
import type { RunSql } from '../../helpers/run-sql.js';

/** A key as its rows have it, for a reference that shares nothing with the product's queries. */
export interface PlainKey {
  readonly id: string;
  readonly tenant: string;
  readonly owner: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revoked: boolean;
  readonly frozenUntil: Date | 'for ever' | null;
  readonly ownerFrozenUntil: Date | 'for ever' | null;
}

const HOUR = 3_600_000;
const TENANTS = ['blue', 'red'];
/** By tenant and owner, the end of the owner's freeze in hours from now. */
const OWNERS: readonly (readonly [owner: string, frozen: 'for ever' | number | null])[] = [
  ['alice', null],
  ['bob', 'for ever'],
  ['carol', 5],
  ['dave', -5],
];
const NAMES = [
  'ci',
  'ci-1',
  'ci-2',
  'ci_1',
  'ci%1',
  'ci\\1',
  'ci\\\\1',
  'CI-1',
  'xci-1',
  'a*b',
  'a%b',
  'a_b',
  '%',
  '_',
  '\\',
  'naïve',
  '日本',
  '🔑 key',
  "o'brien",
];
const SCOPES = [
  [],
  ['*'],
  ['read'],
  ['orders:*'],
  ['orders:read'],
  ['orders:eu:*'],
  ['orders:eu:write', 'read'],
  ['orders'],
];

/** Numbers that look random and are the same in each run. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % sides;
  };
}

/** Times are some hours and a half from now, so that none is near a limit in whole hours while the tests run. */
function draft(roll: (sides: number) => number, index: number, now: number): PlainKey {
  const pick = <T>(all: readonly T[]): T => all[roll(all.length)] as T;
  const hours = (number: number): Date => new Date(now + (number + 0.5) * HOUR);
  const [owner, frozen] = pick(OWNERS);
  // Some end together, some share the moment they were made.
  const createdAt = hours(-1 - pick([1, 1, 2, 30, 30, 100, 800]));
  return {
    id: `${roll(0xffff).toString(16).padStart(8, '0')}-0000-7000-8000-${index.toString(16).padStart(12, '0')}`,
    tenant: pick(TENANTS),
    owner,
    name: pick(NAMES),
    scopes: pick(SCOPES),
    createdAt,
    expiresAt: pick([null, null, hours(-30), hours(-1), hours(1), hours(1), hours(20), hours(500)]),
    lastUsedAt: pick([null, null, hours(-2), hours(-2), hours(-40), hours(-200)]),
    revoked: roll(6) === 0,
    frozenUntil: pick([null, null, null, null, 'for ever', hours(3), hours(-3)] as const),
    ownerFrozenUntil: typeof frozen === 'number' ? hours(frozen) : frozen,
  };
}

export function population(size: number): PlainKey[] {
  const roll = dice(42);
  const now = Date.now();
  return Array.from({ length: size }, (_, index) => draft(roll, index, now));
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const time = (at: Date | null): string => (at === null ? 'NULL' : `'${at.toISOString()}'::timestamptz`);
const begun = (until: PlainKey['frozenUntil']): string =>
  until === null ? 'NULL' : "'2026-01-01T00:00:00Z'::timestamptz";
const end = (until: PlainKey['frozenUntil']): string => time(until === 'for ever' ? null : until);

/** Stores keys with their owners and their activity, by plain SQL. */
export async function insert(rows: RunSql, keys: readonly PlainKey[]): Promise<void> {
  if (keys.length === 0) return;
  const owners = keys.map(
    (key) =>
      `(${text(key.tenant)}, ${text(key.owner)}, now(), ${begun(key.ownerFrozenUntil)}, ${end(key.ownerFrozenUntil)})`,
  );
  await rows(`INSERT INTO apikeys.owners (tenant_id, owner_id, created_at, frozen_at, frozen_until)
              VALUES ${[...new Set(owners)].join(', ')} ON CONFLICT DO NOTHING`);
  const values = keys.map(
    (key) =>
      `('${key.id}', ${text(key.tenant)}, ${text(key.owner)}, ${text(key.name)}, ARRAY[${key.scopes.map(text)}]::text[],
        'rv_00000000', sha256('${key.id}'), ${time(key.createdAt)}, 'test', ${time(key.expiresAt)}, ${key.expiresAt === null ? 'NULL' : 1},
        ${begun(key.frozenUntil)}, ${end(key.frozenUntil)}, ${key.revoked ? 'now()' : 'NULL'}, 1, sha256('x'))`,
  );
  await rows(`INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, scopes, key_prefix, secret_hash, created_at, created_by,
                expires_at, lifetime_ms, frozen_at, frozen_until, revoked_at, audit_seq, audit_hash)
              VALUES ${values.join(', ')}`);
  const activity = keys.map((key) => `('${key.id}', ${time(key.lastUsedAt)})`);
  await rows(`INSERT INTO apikeys.key_activity (key_id, last_used_at) VALUES ${activity.join(', ')}`);
}

const lasts = (until: PlainKey['frozenUntil'], now: number): boolean =>
  until === 'for ever' || (until !== null && until.getTime() > now);

export function statusOf(key: PlainKey, now = Date.now()): KeyStatus {
  if (key.revoked) return 'revoked';
  if (lasts(key.frozenUntil, now) || lasts(key.ownerFrozenUntil, now)) return 'frozen';
  return key.expiresAt !== null && key.expiresAt.getTime() <= now ? 'expired' : 'active';
}

const ends = ({ expiresAt }: PlainKey): number => expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
const used = ({ lastUsedAt }: PlainKey): number => lastUsedAt?.getTime() ?? Number.NEGATIVE_INFINITY;
const number = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

const ORDERS: Readonly<Record<KeySort, (a: PlainKey, b: PlainKey) => number>> = {
  created: (a, b) => number(a.createdAt.getTime(), b.createdAt.getTime()),
  name: (a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  expires: (a, b) => number(ends(a), ends(b)),
  'last-used': (a, b) => number(used(a), used(b)),
};

/** The ids in the order that a list is to have. */
export function sorted(keys: readonly PlainKey[], sort: KeySort, descending: boolean): string[] {
  const ascending = keys.toSorted((a, b) => ORDERS[sort](a, b) || (a.id < b.id ? -1 : 1));
  return (descending ? ascending.toReversed() : ascending).map(({ id }) => id);
}
