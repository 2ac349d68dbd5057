import { createHash } from 'node:crypto';
import type { Session } from '../../db/engine.js';
import { detailsOf, isRecord } from '../../domain/audit.js';
import type { Expiry } from '../../domain/duration.js';
import { checkIdempotencyKey } from '../../domain/text.js';
import { rotationEvents } from '../../repository/audit.js';
import { rotationConflict } from '../refusals.js';

/** What makes a repeated rotation the same one. It is kept in the rotation's event, for as long as that is. */
export interface RotationIdempotency {
  readonly key: string;
  /** SHA-256 of the request, in hex. */
  readonly digest: string;
}

/** What two requests have to agree on; null for what was not named, so that another default later is not another request. */
export interface RepeatableRotation {
  readonly grace: number | null;
  readonly expiry: Expiry | null;
  readonly unfreeze: boolean;
}

export function rotationIdempotency(
  key: string | undefined,
  { grace, expiry, unfreeze }: RepeatableRotation,
): RotationIdempotency | null {
  if (key === undefined) return null;
  const digest = createHash('sha256')
    .update(JSON.stringify([grace, expiry, unfreeze]))
    .digest('hex');
  return { key: checkIdempotencyKey(key), digest };
}

/**
 * Whether the same request has rotated this key, which is held. Throws `IDEMPOTENCY_CONFLICT` if another one has, under the
 * same idempotency key.
 */
export async function wasRotatedBy(
  session: Session,
  keyId: string,
  idempotency: RotationIdempotency | null,
): Promise<boolean> {
  if (idempotency === null) return false;
  for (const event of await rotationEvents(session, keyId)) {
    const before = detailsOf(event).idempotency;
    if (!isRecord(before) || before.key !== idempotency.key) continue;
    if (before.digest !== idempotency.digest) throw rotationConflict(keyId);
    return true;
  }
  return false;
}
