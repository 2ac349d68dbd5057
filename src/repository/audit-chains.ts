import { type Expression, sql } from 'kysely';
import type { Session } from '../db/engine.js';
import { type AuditEvent, type ChainKind, parseObject } from '../domain/audit.js';
import type { ChainRef } from './audit-anchors.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

/** One page of something that is read chain by chain. */
export interface ChainPage<Position> {
  /** All keys' in the order of their ids, or all owners' in the order of tenant and owner. */
  readonly kind: ChainKind;
  readonly tenant: TenantScope;
  /** The last item of the page before, or what stands for it. */
  readonly after: Position | undefined;
  readonly limit: number;
}

/**
 * An event as it is stored, whatever was done to it: what no event of ours can have must not stop the one who looks
 * for it.
 */
export interface ChainEvent extends Omit<AuditEvent, 'at'> {
  /** Null for a time that no JSON can hold. */
  readonly at: Date | null;
  /** `seq` to the last digit, which a number may not hold. */
  readonly seqText: string;
}

/** Where an event stands in the order of all. */
export interface ChainPosition extends ChainRef {
  readonly seqText: string;
}

/** Behind the last event that a chain can have. */
export const endOfChain = (chain: ChainRef): ChainPosition => ({ ...chain, seqText: '9223372036854775807' });

/** Events in the order of their chains, then `seq`. */
export async function chainEvents(session: Session, page: ChainPage<ChainPosition>): Promise<ChainEvent[]> {
  const rows = await session.rows(sql<Omit<ChainEvent, 'seq'>>`
    SELECT id, seq::text AS "seqText",
           CASE WHEN at BETWEEN '0001-01-01T00:00:00Z' AND '9999-12-31T23:59:59.999Z' THEN at END AS at,
           actor, db_role AS "dbRole", action, tenant_id AS "tenantId", owner_id AS "ownerId", key_id AS "keyId",
           reason, details, prev_hash AS "prevHash", hash
      FROM apikeys.audit_events
     WHERE ${beyond(page, ({ seqText }) => seqText)}
     ORDER BY ${orderOf(page.kind)}, seq
     LIMIT ${page.limit}`);
  return rows.map((row) => ({ ...row, seq: Number(row.seqText) }));
}

/** The head of a chain as the row of its key or owner has it. */
export interface StoredHead extends ChainRef {
  /** 0 for an owner without a chain. */
  readonly seq: number;
  readonly hash: Buffer | null;
  /** False for an owner that has done nothing yet, and so has no event. */
  readonly expected: boolean;
}

/** The heads of all keys or of all owners, in the order of their chains. */
export async function storedHeads(session: Session, page: ChainPage<ChainRef>): Promise<StoredHead[]> {
  const { tenant, after, limit } = page;
  const within = tenantIs('tenant_id', tenant);
  const rows = await session.rows(
    page.kind === 'key'
      ? sql<HeadRecord>`
          SELECT tenant_id AS "tenantId", owner_id AS "ownerId", id AS "keyId", audit_seq::text AS "seqText",
                 audit_hash AS hash, true AS expected
            FROM apikeys.keys
           WHERE ${within} AND ${after === undefined ? sql`true` : sql`id > ${after.keyId}`}
           ORDER BY id LIMIT ${limit}`
      : sql<HeadRecord>`
          SELECT tenant_id AS "tenantId", owner_id AS "ownerId", NULL::uuid AS "keyId", audit_seq::text AS "seqText",
                 audit_hash AS hash, version > 0 OR audit_seq > 0 AS expected
            FROM apikeys.owners
           WHERE ${within}
             AND ${after === undefined ? sql`true` : sql`(tenant_id, owner_id) > (${after.tenantId}, ${after.ownerId})`}
           ORDER BY tenant_id, owner_id LIMIT ${limit}`,
  );
  return rows.map(({ seqText, ...row }) => ({ ...row, seq: Number(seqText) }));
}

interface HeadRecord extends Omit<StoredHead, 'seq'> {
  readonly seqText: string;
}

/** Where a chain stands: its last event, or the last one that was pruned. */
export interface ChainEnd extends ChainRef {
  readonly seq: number;
  readonly hash: Buffer;
}

/** The last event of each chain. Chains of deleted keys included. */
export async function lastEvents(session: Session, page: ChainPage<ChainRef>): Promise<ChainEnd[]> {
  const chain = orderOf(page.kind);
  const rows = await session.rows(sql<EndRecord>`
    SELECT DISTINCT ON (${chain}) ${END_COLUMNS}
      FROM apikeys.audit_events
     WHERE ${beyond(page)}
     ORDER BY ${chain}, seq DESC
     LIMIT ${page.limit}`);
  return rows.map(toEnd);
}

/** Where pruned chains begin, and whether the trail itself says so. */
export interface FoundAnchor extends ChainEnd {
  /**
   * False if the owner's chain holds no event that tells of this pruning, and has not, for a key's anchor, been pruned
   * beyond the place where it would be.
   */
  readonly vouched: boolean;
  /** As JSON text; see `ChainAnchor`. */
  readonly state: string | null;
}

/** The anchors of all chains that have one. See `ChainAnchor` for what vouches for them. */
export async function chainAnchors(session: Session, page: ChainPage<ChainRef>): Promise<FoundAnchor[]> {
  const rows = await session.rows(sql<AnchorRecord>`
    SELECT anchor.*, anchor."keyId" IS NOT NULL AND COALESCE(pruned.seq >= anchor.owner_seq, false) AS outlived, EXISTS (
             SELECT FROM apikeys.audit_events AS event
              WHERE event.key_id IS NULL AND event.tenant_id = anchor."tenantId" AND event.owner_id = anchor."ownerId"
                AND event.seq = anchor.owner_seq AND event.action = 'audit.pruned'
                AND strpos(event.details, ${AS_TOLD}) > 0) AS told
      FROM (SELECT ${END_COLUMNS}, owner_seq, state FROM apikeys.audit_anchors
             WHERE ${beyond(page)} ORDER BY ${orderOf(page.kind)} LIMIT ${page.limit}) AS anchor
      LEFT JOIN apikeys.audit_anchors AS pruned
        ON pruned.key_id IS NULL AND pruned.tenant_id = anchor."tenantId" AND pruned.owner_id = anchor."ownerId"
     ORDER BY ${page.kind === 'key' ? sql`anchor."keyId"` : sql`anchor."tenantId", anchor."ownerId"`}`);
  return rows.map(({ outlived, told, ...row }) => ({
    ...toEnd(row),
    vouched: outlived || (told && isWholeObject(row.state)),
    state: row.state,
  }));
}

interface AnchorRecord extends EndRecord {
  /** The event that told of it has been pruned in its turn. */
  readonly outlived: boolean;
  readonly told: boolean;
  readonly state: string | null;
}

/**
 * An anchor's place and state, byte by byte as its event has them among the `chains`. An event that was altered may be no
 * JSON, which a query could not read without failing. Nothing in the strings of an event is like this text: their quotes
 * have a backslash.
 */
const AS_TOLD = sql`concat('{"key_id":', COALESCE('"' || anchor."keyId"::text || '"', 'null'), ',"seq":', anchor."seqText",
  ',"hash":"', encode(anchor.hash, 'hex'), '"', ',"state":' || anchor.state, '}')`;

/** Text that begins as the event's state does and ends elsewhere is found too, but is no JSON. */
const isWholeObject = (state: string | null): boolean => state === null || parseObject(state) !== undefined;

const END_COLUMNS = sql`tenant_id AS "tenantId", owner_id AS "ownerId", key_id AS "keyId", seq::text AS "seqText", hash`;

interface EndRecord extends Omit<ChainEnd, 'seq'> {
  readonly seqText: string;
}

const toEnd = ({ tenantId, ownerId, keyId, seqText, hash }: EndRecord): ChainEnd => ({
  tenantId,
  ownerId,
  keyId,
  seq: Number(seqText),
  hash,
});

/** The leading columns of the chains' indexes. */
const orderOf = (kind: ChainKind): Expression<unknown> =>
  kind === 'key' ? sql`key_id` : sql`tenant_id, owner_id`;

/** What follows the page before: after its last chain or, where several rows are one chain, after its last row. */
function beyond<Item extends ChainRef>(
  { kind, tenant, after }: ChainPage<Item>,
  seqOf?: (item: Item) => string,
): Expression<unknown> {
  const all: Expression<unknown>[] = [
    kind === 'key' ? sql`key_id IS NOT NULL` : sql`key_id IS NULL`,
    tenantIs('tenant_id', tenant),
  ];
  if (after !== undefined) {
    const columns: Expression<unknown>[] = [orderOf(kind)];
    const values: Expression<unknown>[] =
      kind === 'key' ? [sql`${after.keyId}::uuid`] : [sql`${after.tenantId}`, sql`${after.ownerId}`];
    if (seqOf !== undefined) {
      columns.push(sql`seq`);
      values.push(sql`${seqOf(after)}::bigint`);
    }
    all.push(sql`(${sql.join(columns)}) > (${sql.join(values)})`);
  }
  return sql`${sql.join(all, sql` AND `)}`;
}
