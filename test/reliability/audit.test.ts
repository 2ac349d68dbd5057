import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { chainHash } from '../../src/domain/audit.js';
import { onServer } from '../helpers/engines.js';
import { random } from '../helpers/random.js';
import { headLines } from '../integration/audit/head-lines.js';
import { each, keepCopy, populate } from '../integration/audit/population.js';
import { events } from '../integration/service/stored.js';
import { scale } from './scale.js';

/** Promise 9: 100 % found. Each is one manipulation of one row of a population of some hundred events. */
const RUNS = scale('AUDIT_RUNS', { short: 60, long: 300 });

/** A value that is certainly another one, by table and column. */
const OTHERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  audit_events: {
    id: 'gen_random_uuid()',
    seq: 'seq + 1000',
    at: `at - interval '1 ms'`,
    actor: `actor || '.'`,
    db_role: `'x' || db_role`,
    action: `action || 's'`,
    tenant_id: `tenant_id || '2'`,
    owner_id: `reverse(owner_id) || '2'`,
    key_id: 'gen_random_uuid()',
    reason: `CASE WHEN reason IS NULL THEN '' END`,
    details: `details || ' '`,
    prev_hash: `CASE WHEN seq > 1 THEN sha256(hash) ELSE prev_hash END`,
    hash: 'sha256(hash)',
  },
  keys: { audit_seq: 'audit_seq + 1', audit_hash: 'sha256(audit_hash)' },
  owners: { audit_seq: 'audit_seq + 1', audit_hash: 'sha256(audit_hash)' },
};

onServer((db) => {
  let restore: () => Promise<void>;
  let heads: readonly string[];
  const counts = new Map<string, number>();

  beforeAll(async () => {
    for (let i = 0; i < 12; i++) await populate(db);
    restore = await keepCopy(db.rows);
    heads = await headLines(db.service);
    for (const table of Object.keys(OTHERS)) {
      const [row] = await db.rows(`SELECT count(*) AS count FROM kept.${table}`);
      counts.set(table, Number(row?.count));
    }
  });

  /** Picks the row of this number, in an order that stays the same whatever is done to it. */
  const row = (table: string, index: number): string =>
    table === 'owners'
      ? `(tenant_id, owner_id) = (SELECT tenant_id, owner_id FROM kept.owners ORDER BY ctid OFFSET ${index} LIMIT 1)`
      : `id = (SELECT id FROM kept.${table} ORDER BY ctid OFFSET ${index} LIMIT 1)`;

  const someRow = fc.constantFrom(...Object.keys(OTHERS)).chain((table) =>
    fc.record({
      table: fc.constant(table),
      column: fc.constantFrom(...Object.keys(OTHERS[table] ?? {})),
      at: fc.nat(1_000_000),
    }),
  );
  const countOf = (table: string): number => counts.get(table) ?? 0;

  async function expectFound(statement: string, withHeads = false): Promise<void> {
    try {
      await db.rows(statement);
      const verdict = await db.service.verifyAudit(withHeads ? { heads: each(heads) } : {});
      expect({ statement, valid: verdict.valid }).toEqual({ statement, valid: false });
      expect(verdict.brokenCount).toBeGreaterThan(0);
    } finally {
      await restore();
    }
  }

  test('the population holds, with and without the heads', async () => {
    expect(await db.service.verifyAudit()).toMatchObject({ valid: true, brokenCount: 0 });
    const verdict = await db.service.verifyAudit({ heads: each(heads) });
    expect(verdict).toMatchObject({ valid: true, chains: heads.length - 1 });
    expect(verdict.events).toBe(countOf('audit_events'));
    expect(verdict.events).toBeGreaterThan(200);
  });

  test(`any column of any row, set to something else, is found: ${RUNS} of ${RUNS}`, async () => {
    await fc.assert(
      fc.asyncProperty(someRow, async ({ table, column, at }) => {
        const index = at % countOf(table);
        // That the first event alone has no predecessor, the schema sees to.
        const skip = ['prev_hash', 'seq'].includes(column) ? ' AND seq > 1' : '';
        const [hit] = await db.rows(`SELECT 1 FROM apikeys.${table} WHERE ${row(table, index)}${skip}`);
        fc.pre(hit !== undefined);
        await expectFound(
          `UPDATE apikeys.${table} SET ${column} = ${OTHERS[table]?.[column]} WHERE ${row(table, index)}`,
        );
      }),
      { numRuns: RUNS },
    );
  }, 600_000);

  test('any event, deleted, is found against saved heads', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000_000), async (at) => {
        const index = at % countOf('audit_events');
        await expectFound(`DELETE FROM apikeys.audit_events WHERE ${row('audit_events', index)}`, true);
      }),
      { numRuns: RUNS / 3 },
    );
  }, 600_000);

  test('any chain, cut off anywhere with its stored head, is found against saved heads', async () => {
    const long = await db.rows(`SELECT id, audit_seq FROM kept.keys WHERE audit_seq > 1 ORDER BY id`);
    expect(long.length).toBeGreaterThan(10);
    for (const { id, audit_seq: end } of long) {
      const last = 1 + random(Number(end) - 1);
      await expectFound(
        `WITH head AS (
           UPDATE apikeys.keys AS key SET audit_seq = event.seq, audit_hash = event.hash
             FROM kept.audit_events AS event WHERE key.id = event.key_id AND event.key_id = '${id}' AND event.seq = ${last}
          RETURNING event.key_id, event.seq)
         DELETE FROM apikeys.audit_events AS event USING head
          WHERE event.key_id = head.key_id AND event.seq > head.seq`,
        true,
      );
    }
  }, 600_000);

  test('a chain that was rewritten whole, with its heads, is found against saved heads alone', async () => {
    const [{ id } = { id: '' }] = await db.rows(
      `SELECT id FROM kept.keys WHERE audit_seq > 3 ORDER BY id LIMIT 1`,
    );
    const chain = await events(db.rows, `key_id = '${id}'`);
    try {
      let previous: Buffer | null = null;
      for (const event of chain) {
        const forged = { ...event, actor: 'mallory', prevHash: previous };
        previous = chainHash(forged);
        await db.rows(`UPDATE apikeys.audit_events SET actor = 'mallory', hash = '\\x${previous.toString('hex')}',
          prev_hash = ${forged.prevHash === null ? 'NULL' : `'\\x${forged.prevHash.toString('hex')}'`}
          WHERE id = '${event.id}'`);
      }
      await db.rows(
        `UPDATE apikeys.keys SET audit_hash = '\\x${previous?.toString('hex')}' WHERE id = '${id}'`,
      );
      expect((await db.service.verifyAudit()).valid).toBe(true);
      expect(await db.service.verifyAudit({ heads: each(heads) })).toMatchObject({
        valid: false,
        broken: [{ keyId: id, seq: chain.length, fault: 'head' }],
      });
    } finally {
      await restore();
    }
  });
});
