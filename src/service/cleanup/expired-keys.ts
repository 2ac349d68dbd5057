import { deleteKeys, type EndedKey, findEndedKeys } from '../../repository/cleanup.js';
import { cleanupEvent, deleteDue } from './delete-due.js';
import type { CleanupRun } from './run.js';
import type { CleanupTask } from './run-batches.js';

/** Deletes the keys that expired or were revoked long enough ago, each with an event `key.deleted` that ends its chain. */
export function expiredKeys(run: CleanupRun): CleanupTask {
  const { start, counts } = run;
  return deleteDue<EndedKey>(run, {
    find: (session, after, limit) => findEndedKeys(session, start.scope, after, limit),
    keyOf: ({ id }) => id,
    event: ([key], moment) =>
      cleanupEvent(run, 'key.deleted', { ...key, keyId: key.id }, moment, {
        name: key.name,
        key_prefix: key.keyPrefix,
        expires_at: key.expiresAt,
        revoked_at: key.revokedAt,
      }),
    remove: (session, events) => deleteKeys(session, events, start.scope),
    count({ keys, secrets }) {
      counts.deletedKeys += keys;
      counts.deletedSecrets += secrets;
    },
  });
}
