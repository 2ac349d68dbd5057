import type { TestService } from '../../helpers/engines.js';
import type { CreateRequest } from '../../helpers/named-caller.js';
import { expire } from '../life/stored.js';
import { request } from '../service/stored.js';

/** Makes keys in every state that cleanup has to tell apart. Times are written as PostgreSQL's intervals. */
export function graveyard(db: TestService) {
  const set = (id: string, assignments: string) =>
    db.rows(`UPDATE apikeys.keys SET ${assignments} WHERE id = '${id}'`);
  const ago = (interval: string) => `date_trunc('milliseconds', now()) - interval '${interval}'`;

  const graves = {
    live: async (more: Partial<CreateRequest> = {}) => (await db.service.create(request(more))).key,
    async expired(interval: string, more: Partial<CreateRequest> = {}) {
      const key = await graves.live(more);
      await expire(db.rows, key.id, interval);
      return key;
    },
    async revoked(interval: string, more: Partial<CreateRequest> = {}) {
      const key = await graves.live(more);
      await db.service.revoke({ keys: [key.id], actor: 'eve' });
      await set(key.id, `revoked_at = ${ago(interval)}`);
      return key;
    },
    /** With one secret that retired so long ago beside the current one. */
    async rotated(interval: string, more: Partial<CreateRequest> = {}) {
      const key = await graves.live(more);
      const { key: now } = await db.service.rotate({ key: key.id, grace: '0', actor: 'bob' });
      await graves.retire(key.id, interval);
      return now;
    },
    async retire(id: string, interval: string) {
      await db.rows(
        `UPDATE apikeys.secrets SET valid_until = ${ago(interval)} WHERE key_id = '${id}' AND valid_until IS NOT NULL`,
      );
    },
    freeze: (id: string) => db.service.freeze({ keys: [id], actor: 'ops' }),
    async thaw(id: string) {
      await graves.freeze(id);
      await set(id, `frozen_until = ${ago('1 minute')}`);
    },
    async has(id: string): Promise<boolean> {
      return (await db.rows(`SELECT FROM apikeys.keys WHERE id = '${id}'`)).length === 1;
    },
    /** Rows that belong to this key, by table. */
    async remains(id: string) {
      const [row] = await db.rows(
        `SELECT (SELECT count(*) FROM apikeys.keys WHERE id = '${id}')::int AS keys,
                (SELECT count(*) FROM apikeys.secrets WHERE key_id = '${id}')::int AS secrets,
                (SELECT count(*) FROM apikeys.key_activity WHERE key_id = '${id}')::int AS activity`,
      );
      return row;
    },
    /** What is deleted with a retention of 30 days, unless `more` says otherwise. */
    clean: (more: Partial<Parameters<TestService['service']['cleanup']>[0]> = {}) =>
      db.service.cleanup({ actor: 'cron', ...more }),
  };
  return graves;
}

export const GONE = { keys: 0, secrets: 0, activity: 0 };
