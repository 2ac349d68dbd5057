import { sql } from 'kysely';
import { build } from '../db/builder.js';
import type { Session } from '../db/engine.js';

export interface OwnerRef {
  readonly tenantId: string;
  readonly ownerId: string;
}

/** An owner whose row this transaction holds. */
export interface LockedOwner {
  readonly version: number;
  readonly maxKeys: number | null;
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
  readonly auditSeq: number;
  readonly auditHash: Buffer | null;
}

/** Makes the owner's row if there is none; tells whether the tenant had no owner before. */
export async function insertOwner(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
): Promise<{ newTenant: boolean }> {
  const [tenant] = await session.rows(
    build.selectFrom('apikeys.owners').select('owner_id').where('tenant_id', '=', tenantId).limit(1),
  );
  await session.rows(
    build
      .insertInto('apikeys.owners')
      .values({
        tenant_id: tenantId,
        owner_id: ownerId,
        created_at: sql`date_trunc('milliseconds', clock_timestamp())`,
      })
      .onConflict((conflict) => conflict.doNothing()),
  );
  return { newTenant: tenant === undefined };
}

/** Waits for the owner's row and holds it: whoever may raise the number of its live keys does so one by one. */
export async function lockOwner(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
): Promise<LockedOwner | undefined> {
  const [row] = await session.rows(
    build
      .selectFrom('apikeys.owners')
      .select(['version', 'max_keys', 'frozen_at', 'frozen_until', 'audit_seq', 'audit_hash'])
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId)
      .forNoKeyUpdate(),
  );
  return (
    row && {
      version: row.version,
      maxKeys: row.max_keys,
      frozenAt: row.frozen_at,
      frozenUntil: row.frozen_until,
      auditSeq: row.audit_seq,
      auditHash: row.audit_hash,
    }
  );
}

/** Raises the owner's version and, when its chain grew, its audit head. */
export async function advanceOwner(
  session: Session,
  { tenantId, ownerId }: OwnerRef,
  head?: { seq: number; hash: Buffer },
): Promise<void> {
  await session.rows(
    build
      .updateTable('apikeys.owners')
      .set({
        version: sql`version + 1`,
        ...(head && { audit_seq: head.seq, audit_hash: head.hash }),
      })
      .where('tenant_id', '=', tenantId)
      .where('owner_id', '=', ownerId),
  );
}

/** Whether any tenant (or the one named) has this owner. */
export async function ownerExists(session: Session, ownerId: string, tenantId?: string): Promise<boolean> {
  const rows = await session.rows(
    build
      .selectFrom('apikeys.owners')
      .select('owner_id')
      .where('owner_id', '=', ownerId)
      .$if(tenantId !== undefined, (query) => query.where('tenant_id', '=', tenantId ?? ''))
      .limit(1),
  );
  return rows.length > 0;
}
