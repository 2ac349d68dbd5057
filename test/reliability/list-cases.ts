import { scopesGranting } from '../../src/domain/scopes.js';
import type { KeyFilter } from '../../src/repository/key-conditions.js';
import type { PageRequest } from '../../src/repository/key-list.js';
import {
  BIG_OWNER,
  BIG_TENANT,
  COMMON_NAME,
  MIDDLE_TENANT,
  RARE_SCOPE,
  SHARED_OWNER,
  SMALL_OWNER,
  SMALL_TENANT,
} from '../helpers/seed.js';

type Order = `${PageRequest['sort']} ${'asc' | 'desc'}`;

export interface ListCase {
  readonly name: string;
  readonly filter: KeyFilter;
  /** The same filter in SQL, over `key`, `owner` and `activity`. */
  readonly where: string;
  readonly orders: readonly Order[];
}

const DAY = 86_400_000;
const BY_CREATED = ['created desc', 'created asc'] as const;
const BY_EXPIRY = ['expires desc', 'expires asc'] as const;
const BY_NAME = ['name desc', 'name asc'] as const;
const BY_LAST_USE = ['last-used desc', 'last-used asc'] as const;
const EVERY = [...BY_CREATED, ...BY_EXPIRY, ...BY_NAME, ...BY_LAST_USE];

const inTenant = (tenant: string): string => `key.tenant_id = '${tenant}'`;
const ofOwner = (owner: string): string => `key.owner_id = '${owner}'`;
const holding = (scopes: readonly string[]): string => `key.scopes && '{${scopes}}'`;
const holds = (table: string): string =>
  `${table}.frozen_at IS NOT NULL AND COALESCE(${table}.frozen_until, 'infinity') > now()`;
const REVOKED = 'key.revoked_at IS NOT NULL';
const FROZEN = `NOT ${REVOKED} AND (${holds('key')} OR ${holds('owner')})`;
const STOPPED = `(${REVOKED} OR ${FROZEN})`;
const ENDED = `COALESCE(key.expires_at <= now(), false)`;
const ACTIVE = `NOT ${STOPPED} AND NOT ${ENDED}`;
const EXPIRED = `NOT ${STOPPED} AND ${ENDED}`;
const ENDS_SOON = `NOT ${REVOKED} AND key.expires_at BETWEEN now() AND now() + interval '14 days'`;
const UNUSED = `key.created_at <= now() - interval '30 days'
  AND COALESCE(activity.last_used_at, '-infinity') <= now() - interval '30 days'`;

const COMMON_SCOPES = scopesGranting('read');
const RARE_SCOPES = scopesGranting(RARE_SCOPE);

/** Lists that read a few rows for each key they show, however many keys there are. */
export const FLAT: readonly ListCase[] = [
  { name: 'all keys', filter: {}, where: 'true', orders: EVERY },
  ...[BIG_TENANT, MIDDLE_TENANT, SMALL_TENANT].map((tenant) => ({
    name: tenant,
    filter: { tenant },
    where: inTenant(tenant),
    orders: BY_CREATED,
  })),
  ...[BIG_OWNER, SHARED_OWNER, SMALL_OWNER].map((owner) => ({
    name: owner,
    filter: { owner },
    where: ofOwner(owner),
    orders: BY_CREATED,
  })),
  ...[
    { owner: BIG_OWNER, tenant: BIG_TENANT },
    { owner: SHARED_OWNER, tenant: MIDDLE_TENANT },
  ].map(({ owner, tenant }) => ({
    name: `${owner} of ${tenant}`,
    filter: { owner, tenant },
    where: `${ofOwner(owner)} AND ${inTenant(tenant)}`,
    orders: BY_CREATED,
  })),
  { name: 'active', filter: { status: 'active' }, where: ACTIVE, orders: EVERY },
  { name: 'revoked', filter: { status: 'revoked' }, where: REVOKED, orders: BY_CREATED },
  { name: 'frozen', filter: { status: 'frozen' }, where: FROZEN, orders: BY_CREATED },
  { name: 'expired', filter: { status: 'expired' }, where: EXPIRED, orders: BY_EXPIRY },
  ...[BIG_TENANT, MIDDLE_TENANT].map((tenant) => ({
    name: `active in ${tenant}`,
    filter: { status: 'active', tenant } as const,
    where: `${ACTIVE} AND ${inTenant(tenant)}`,
    orders: BY_CREATED,
  })),
  {
    name: `active of ${BIG_OWNER}`,
    filter: { status: 'active', owner: BIG_OWNER },
    where: `${ACTIVE} AND ${ofOwner(BIG_OWNER)}`,
    orders: BY_CREATED,
  },
  {
    name: 'ending within 14 days',
    filter: { expiringWithinMs: 14 * DAY },
    where: ENDS_SOON,
    orders: BY_EXPIRY,
  },
  {
    name: 'unused for 30 days',
    filter: { unusedForMs: 30 * DAY },
    where: UNUSED,
    orders: [...BY_CREATED, ...BY_LAST_USE],
  },
  {
    name: 'with a common scope',
    filter: { scopeSets: [COMMON_SCOPES] },
    where: holding(COMMON_SCOPES),
    orders: BY_CREATED,
  },
  {
    name: 'with a common beginning of the name',
    filter: { nameLike: 'ci-%' },
    where: `key.name LIKE 'ci-%'`,
    orders: BY_NAME,
  },
];

/** Lists that read what the narrowest of their conditions leaves, or the keys of the sort until a page is full. */
export const BOUNDED: readonly (ListCase & {
  /** Rows read at most, as a share of all keys. */
  readonly share: number;
})[] = [
  {
    name: 'a tenant',
    filter: { tenant: MIDDLE_TENANT },
    where: inTenant(MIDDLE_TENANT),
    orders: EVERY,
    share: 0.06,
  },
  { name: 'an owner', filter: { owner: BIG_OWNER }, where: ofOwner(BIG_OWNER), orders: EVERY, share: 0.11 },
  {
    name: 'revoked',
    filter: { status: 'revoked' },
    where: REVOKED,
    orders: [...BY_NAME, ...BY_EXPIRY],
    share: 0.02,
  },
  { name: 'frozen', filter: { status: 'frozen' }, where: FROZEN, orders: EVERY, share: 0.08 },
  { name: 'expired', filter: { status: 'expired' }, where: EXPIRED, orders: BY_CREATED, share: 0.25 },
  {
    name: 'revoked in a tenant',
    filter: { status: 'revoked', tenant: MIDDLE_TENANT },
    where: `${REVOKED} AND ${inTenant(MIDDLE_TENANT)}`,
    orders: BY_CREATED,
    share: 0.05,
  },
  {
    name: 'frozen in a tenant',
    filter: { status: 'frozen', tenant: MIDDLE_TENANT },
    where: `${FROZEN} AND ${inTenant(MIDDLE_TENANT)}`,
    orders: BY_CREATED,
    share: 0.07,
  },
  {
    name: 'expired in a tenant',
    filter: { status: 'expired', tenant: MIDDLE_TENANT },
    where: `${EXPIRED} AND ${inTenant(MIDDLE_TENANT)}`,
    orders: BY_EXPIRY,
    share: 0.16,
  },
  {
    name: 'ending within 14 days',
    filter: { expiringWithinMs: 14 * DAY },
    where: ENDS_SOON,
    orders: BY_CREATED,
    share: 0.25,
  },
  {
    name: 'with a rare scope',
    filter: { scopeSets: [RARE_SCOPES] },
    where: holding(RARE_SCOPES),
    orders: BY_CREATED,
    share: 0.1,
  },
  {
    name: 'with a rare beginning of the name',
    filter: { nameLike: 'nightly-%' },
    where: `key.name LIKE 'nightly-%'`,
    orders: BY_CREATED,
    share: 0.001,
  },
  {
    name: 'of one name',
    filter: { nameLike: COMMON_NAME },
    where: `key.name = '${COMMON_NAME}'`,
    orders: BY_CREATED,
    share: 0.12,
  },
  {
    name: 'with a common end of the name',
    filter: { nameLike: '%-prod' },
    where: `key.name LIKE '%-prod'`,
    orders: BY_CREATED,
    share: 0.01,
  },
];
