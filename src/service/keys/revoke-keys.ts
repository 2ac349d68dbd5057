import { checkReason } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import { markRevoked } from '../../repository/keys.js';
import { actorOf, type ChangeOptions, type ServiceContext } from '../context.js';
import { ownerFreeze } from '../owner-freeze.js';
import { type ChangedKeys, changeKeys, type KeysTarget, type OwnersKeysTarget } from './change-keys.js';

export type RevokeRequest = (KeysTarget | (OwnersKeysTarget & AndFreeze)) &
  ChangeOptions & { readonly reason?: string | undefined };

interface AndFreeze {
  /** Freezes the owner in the same transaction, for the same reason, so that it gets no new keys. */
  readonly andFreeze?: boolean | undefined;
}

/**
 * Ends keys for good, all of them or none: every verify that starts after this resolved refuses them. A key that
 * was revoked before keeps its first reason and time. Throws as {@link changeKeys} does.
 */
export async function revokeKeys(context: ServiceContext, request: RevokeRequest): Promise<ChangedKeys> {
  const reason = request.reason === undefined ? null : checkReason(request.reason);
  const by = actorOf(context);
  return changeKeys(
    context,
    request,
    {
      endsAccess: true,
      plan: (key) => (key.revokedAt === null ? { action: 'key.revoked', reason, details: {} } : null),
      write: (session, changes, now) =>
        markRevoked(
          session,
          changes.map(({ head }) => head),
          { at: now, by, reason },
        ),
    },
    freezes(request) ? ownerFreeze({ reason: request.reason }, by) : null,
  );
}

/** Without types both may come. Frozen keys of an owner that is not frozen are not what was meant. */
function freezes(request: RevokeRequest): boolean {
  if (!('andFreeze' in request) || !request.andFreeze) return false;
  if (request.keys === undefined) return true;
  throw new ApiKeysError('INVALID_INPUT', 'an owner is frozen with all of its keys, not with some');
}
