import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { request } from '../service/stored.js';

/** One that ends in each of so many milliseconds. */
const SPAN = 1_000;
const TRIES = 6;

eachEngine((db) => {
  /**
   * Stores ends in consecutive milliseconds, some seconds ahead, and cleans up once the first have passed, `days` days
   * later by the stored times. Gives the ends that are left, in milliseconds after the cutoff.
   */
  async function leftAfter(days: number, insert: (at: string) => string, ends: string): Promise<number[]> {
    for (let seconds = 2; seconds < 2 * 2 ** TRIES; seconds *= 2) {
      await db.rows('DELETE FROM apikeys.secrets');
      await db.rows('DELETE FROM apikeys.keys');
      const { key } = await db.service.create(request({ expires: 'never' }));
      const begun = performance.now();
      const first = `statement_timestamp() + interval '${seconds} s' - interval '${days} days'`;
      const at = `date_trunc('milliseconds', ${first}) + nth * interval '1 ms'`;
      await db.rows(insert(at).replaceAll(':key', `'${key.id}'`));
      await sleep(Math.max(0, seconds * 1_000 + SPAN / 10 - (performance.now() - begun)));
      const { cutoff } = await db.service.cleanup({ olderThan: `${days * 24}h`, actor: 'cron' });
      const rows = await db.rows(
        `SELECT ((extract(epoch FROM ${ends}) * 1000)::bigint - ${cutoff.getTime()})::int AS after
           FROM apikeys.keys AS key JOIN apikeys.secrets AS secret ON secret.key_id = key.id
          WHERE ${ends} IS NOT NULL ORDER BY 1`,
      );
      // A busy machine may have missed the span.
      if (rows.length > 0 && rows.length < SPAN) return rows.map(({ after }) => Number(after));
    }
    throw new Error('no cleanup began within the span');
  }

  const keysThat = (column: 'expires_at' | 'revoked_at') => (at: string) =>
    `
    WITH made AS (
      INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, ${column},
                                lifetime_ms, audit_seq, audit_hash)
      SELECT gen_random_uuid(), tenant_id, owner_id, 'n', 'rv_00000000', sha256(gen_random_uuid()::text::bytea), created_at, 'test', ${at},
             ${column === 'expires_at' ? '1' : 'NULL'}, 1, sha256(nth::text::bytea)
        FROM apikeys.keys, generate_series(1, ${SPAN}) AS nth WHERE id = :key RETURNING id, secret_hash, created_at)
    INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at)
    SELECT secret_hash, id, 1, 'rv_00000000', created_at FROM made`;

  const secretsThatRetire = (at: string) => `
    INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at, valid_until)
    SELECT sha256(nth::text::bytea), :key, nth + 1, 'rv_00000000', now(), ${at}
      FROM generate_series(1, ${SPAN}) AS nth`;

  test.each([
    ['a key that expired', 0, keysThat('expires_at'), 'key.expires_at'],
    ['a key that expired', 1, keysThat('expires_at'), 'key.expires_at'],
    ['a key that was revoked', 1, keysThat('revoked_at'), 'key.revoked_at'],
    ['a secret that retired', 1, secretsThatRetire, 'secret.valid_until'],
  ])(
    '%s goes in the millisecond in which that is %i days ago, not before',
    async (_what, days, insert, ends) => {
      const left = await leftAfter(days, insert, ends);
      // What is left begins one millisecond after the cutoff, and none is missing from there on.
      expect(left).toEqual(left.map((_, at) => at + 1));
    },
  );
});
