import { checkReason } from '../../domain/text.js';
import { markRevoked } from '../../repository/keys.js';
import { actorOf, type ChangeOptions, type ServiceContext } from '../context.js';
import { type ChangedKeys, changeKeys, type KeysTarget, type OwnersKeysTarget } from './change-keys.js';

export type RevokeRequest = (KeysTarget | OwnersKeysTarget) &
  ChangeOptions & { readonly reason?: string | undefined };

/**
 * Ends keys for good, all of them or none: every verify that starts after this resolved refuses them. A key that
 * was revoked before keeps its first reason and time. Throws as {@link changeKeys} does.
 */
export async function revokeKeys(context: ServiceContext, request: RevokeRequest): Promise<ChangedKeys> {
  const reason = request.reason === undefined ? null : checkReason(request.reason);
  const by = actorOf(context);
  return changeKeys(context, request, {
    endsAccess: true,
    plan: (key) => (key.revokedAt === null ? { action: 'key.revoked', reason, details: {} } : null),
    write: (session, changes, now) =>
      markRevoked(
        session,
        changes.map(({ head }) => head),
        { at: now, by, reason },
      ),
  });
}
