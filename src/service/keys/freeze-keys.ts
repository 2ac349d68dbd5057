import { isFrozenAt } from '../../domain/key.js';
import { checkReason } from '../../domain/text.js';
import { type KeyFreeze, markFrozen, markUnfrozen } from '../../repository/keys.js';
import type { EventContent } from '../audit/events.js';
import { actorOf, type ChangeOptions, requireKeyManagement, type ServiceContext } from '../context.js';
import { type FreezeOptions, nextFreeze, parseFreezeOptions } from '../freeze.js';
import { keyRevoked } from '../refusals.js';
import { type ChangedKeys, changeKeys, type KeysTarget } from './change-keys.js';

export type FreezeRequest = KeysTarget & ChangeOptions & FreezeOptions;
export type UnfreezeRequest = KeysTarget & ChangeOptions & { readonly reason?: string | undefined };

/**
 * Suspends keys, all of them or none. A freeze is never shortened by another: it lasts until the later of both ends.
 * Freezing what is frozen as long already changes nothing, and the first reason and time stay. A freeze that has
 * lapsed is no freeze. A revoked key is refused (`KEY_REVOKED`). Throws as {@link changeKeys} does.
 */
export async function freezeKeys(context: ServiceContext, request: FreezeRequest): Promise<ChangedKeys> {
  const options = parseFreezeOptions(request);
  const actor = actorOf(context);
  return changeKeys<EventContent & { freeze: Omit<KeyFreeze, 'head'> }>(context, request, {
    endsAccess: true,
    plan(key, now) {
      if (key.revokedAt !== null) throw keyRevoked(key, 'frozen');
      const freeze = nextFreeze(key, options, { now, actor });
      return (
        freeze && {
          action: 'key.frozen',
          reason: options.reason,
          details: { until: freeze.until, frozen_at: freeze.at },
          freeze,
        }
      );
    },
    write: (session, changes) =>
      markFrozen(
        session,
        changes.map(({ plan, head }) => ({ ...plan.freeze, head })),
      ),
  });
}

/**
 * Lifts the freeze of keys, all of them or none; their owner's freeze stays, and with it they stay frozen. A key that
 * is not frozen is left as it is. Throws `FEATURE_DISABLED`, and as {@link changeKeys} does.
 */
export async function unfreezeKeys(context: ServiceContext, request: UnfreezeRequest): Promise<ChangedKeys> {
  requireKeyManagement(context);
  const reason = request.reason === undefined ? null : checkReason(request.reason);
  return changeKeys(context, request, {
    endsAccess: false,
    plan: (key, now) => (isFrozenAt(key, now) ? { action: 'key.unfrozen', reason, details: {} } : null),
    write: (session, changes) =>
      markUnfrozen(
        session,
        changes.map(({ head }) => head),
      ),
  });
}
