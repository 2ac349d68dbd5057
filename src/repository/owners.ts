import { sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';
import { NOW } from './clock.js';
import { type TenantScope, tenantIs } from './tenant-condition.js';

export interface OwnerRef {
  readonly tenantId: string;
  readonly ownerId: string;
}

/** An owner's row, with what a change to it depends on. */
export interface OwnerRow extends OwnerFreeze {
  readonly version: number;
  readonly maxKeys: number | null;
  /** The clock when its live keys were last counted and there was room; null: never. */
  readonly countedAt: Date | null;
  /** It has limits as a whole. */
  readonly limited: boolean;
  readonly auditSeq: number;
  readonly auditHash: Buffer | null;
}

/** Makes the owner's row if there is none; tells whether the tenant had no owner before. */
export async function insertOwner(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
): Promise<{ newTenant: boolean }> {
  const [tenant] = await session.rows(
    build
      .selectFrom('apikeys.owners')
      .select('owner_id')
      .where('tenant_id', '=', tenantId)
      // The row of the tenant itself, which has its chain, may be older than its first owner.
      .where('owner_id', '<>', '')
      .limit(1),
  );
  await session.rows(
    build
      .insertInto('apikeys.owners')
      .values({
        tenant_id: tenantId,
        owner_id: ownerId,
        created_at: NOW,
      })
      .onConflict((conflict) => conflict.doNothing()),
  );
  return { newTenant: tenant === undefined };
}

/** Waits for the owner's row and holds it: whoever may raise the number of its live keys does so one by one. */
export async function lockOwner(session: Session, owner: OwnerRef): Promise<OwnerRow | undefined> {
  return ownerRow(session, owner, true);
}

/** The owner's row as it is, without holding it. */
export async function findOwner(session: Session, owner: OwnerRef): Promise<OwnerRow | undefined> {
  return ownerRow(session, owner, false);
}

async function ownerRow(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
  lock: boolean,
): Promise<OwnerRow | undefined> {
  const [row] = await session.rows(
    build
      .selectFrom('apikeys.owners')
      .select([
        'version',
        'max_keys',
        'counted_at',
        'limited',
        'frozen_at',
        'frozen_until',
        'frozen_by',
        'frozen_reason',
      ])
      .select(['audit_seq', 'audit_hash'])
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId)
      .$if(lock, (query) => query.forNoKeyUpdate()),
  );
  return (
    row && {
      version: row.version,
      maxKeys: row.max_keys,
      countedAt: row.counted_at,
      limited: row.limited,
      frozenAt: row.frozen_at,
      frozenUntil: row.frozen_until,
      frozenBy: row.frozen_by,
      frozenReason: row.frozen_reason,
      auditSeq: row.audit_seq,
      auditHash: row.audit_hash,
    }
  );
}

/** Raises the owner's version; stores when its keys were counted, and its audit head when its chain grew. */
export async function advanceOwner(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
  { head, countedAt }: { head?: { seq: number; hash: Buffer } | undefined; countedAt?: Date | undefined },
): Promise<void> {
  await session.rows(
    build
      .updateTable('apikeys.owners')
      .set({
        version: sql`version + 1`,
        ...(countedAt && { counted_at: countedAt }),
        ...(head && { audit_seq: head.seq, audit_hash: head.hash }),
      })
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId),
  );
}

/** The owners of this id, in every tenant or the one named; at most `limit`. */
export async function findOwners(
  session: Session,
  ownerId: string,
  tenant: TenantScope,
  limit: number,
): Promise<OwnerRef[]> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.owners')
      .select(['tenant_id', 'owner_id'])
      .where('owner_id', '=', ownerId)
      .where(tenantIs('tenant_id', tenant))
      .orderBy('tenant_id')
      .limit(limit),
  );
  return rows.map((row) => ({ tenantId: row.tenant_id, ownerId: row.owner_id }));
}

/** An owner's freeze as it is stored; all null: none. */
export interface OwnerFreeze {
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
  readonly frozenBy: string | null;
  readonly frozenReason: string | null;
}

/** Sets or lifts the owner's freeze, with its new audit head. */
export async function setOwnerFreeze(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
  freeze: OwnerFreeze,
  head: { seq: number; hash: Buffer },
): Promise<void> {
  await session.rows(
    build
      .updateTable('apikeys.owners')
      .set({
        version: sql`version + 1`,
        frozen_at: freeze.frozenAt,
        frozen_until: freeze.frozenUntil,
        frozen_by: freeze.frozenBy,
        frozen_reason: freeze.frozenReason,
        audit_seq: head.seq,
        audit_hash: head.hash,
      })
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId),
  );
}
