import { deleteSecrets, findRetiredSecrets, type RetiredSecret } from '../../repository/cleanup.js';
import { cleanupEvent, deleteDue } from './delete-due.js';
import type { CleanupRun } from './run.js';
import type { CleanupTask } from './run-batches.js';

/** Deletes the secrets that retired long enough ago, of keys that stay, each key with an event that names them. */
export function retiredSecrets(run: CleanupRun): CleanupTask {
  const { start, counts } = run;
  return deleteDue<RetiredSecret>(run, {
    find: (session, after, limit) => findRetiredSecrets(session, start.scope, after, limit),
    keyOf: ({ keyId }) => keyId,
    event: (secrets, moment) =>
      cleanupEvent(run, 'key.secrets_deleted', secrets[0], moment, { secrets: secrets.map(secretJson) }),
    remove: (session, events, secrets) => deleteSecrets(session, events, secrets, start.scope),
    count({ secrets }) {
      counts.deletedSecrets += secrets;
    },
  });
}

const secretJson = ({ version, keyPrefix, validUntil }: RetiredSecret) => ({
  version,
  key_prefix: keyPrefix,
  valid_until: validUntil,
});
