import { beforeAll, expect, test } from 'vitest';
import { onServer } from '../../helpers/engines.js';
import { headLines } from './head-lines.js';
import { each, populate } from './population.js';

onServer((db) => {
  let lines: readonly string[];

  beforeAll(async () => {
    await populate(db);
    lines = await headLines(db.service);
  });

  const verify = (changed: readonly string[]) => db.service.verifyAudit({ heads: each(changed) });
  const end = (more: object): string => JSON.stringify({ ...JSON.parse(lines.at(-1) ?? ''), ...more });
  const with1 = (line: string): string[] => [...lines.slice(0, 1), line, ...lines.slice(2)];
  const second = (more: object): string => JSON.stringify({ ...JSON.parse(lines[1] ?? ''), ...more });

  test('a file that was written out anew by another program is as good', async () => {
    const spaced = lines.map(
      (line) => `${JSON.stringify(JSON.parse(line), null, 1).replaceAll('\n', ' ')}\r`,
    );
    expect((await verify(spaced)).valid).toBe(true);
  });

  test('the heads are those that the rows have, and every chain has one', async () => {
    const stored = await db.rows(`
      SELECT DISTINCT ON (key_id, tenant_id, owner_id) key_id, tenant_id, owner_id, seq, encode(hash, 'hex') AS hash
        FROM apikeys.audit_events ORDER BY key_id, tenant_id, owner_id, seq DESC`);
    const heads = lines.slice(0, -1).map((line) => JSON.parse(line));
    expect(heads.map(({ chain, ...head }) => head)).toEqual(expect.arrayContaining([...stored]));
    expect(heads).toHaveLength(stored.length);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ chains: heads.length });
  });

  test.each<[string, () => readonly string[], RegExp]>([
    ['that is empty', () => [], /it is empty/],
    ['that was cut off', () => lines.slice(0, -1), /its end is missing/],
    ['that was cut off within a line', () => [...lines.slice(0, 2), '{"chain":"ke'], /line 3 is not a head/],
    ['that lacks a line', () => lines.toSpliced(1, 1), /it has \d+ heads, and had \d+/],
    ['with a line twice', () => lines.toSpliced(1, 0, lines[1] ?? ''), /line 3 is out of order/],
    [
      'in another order',
      () => [...lines.slice(0, -1).toReversed(), ...lines.slice(-1)],
      /line 2 is out of order/,
    ],
    ['with more after its end', () => [...lines, ...lines.slice(0, 1)], /line \d+ comes after its end/],
    ['two of them in one', () => [...lines, ...lines], /comes after its end/],
    ['with an empty line', () => with1(''), /line 2 is not a head/],
    ['with another hash', () => with1(second({ hash: '0'.repeat(64) })), /not what its checksum says/],
    ['with another number of an event', () => with1(second({ seq: 77 })), /not what its checksum says/],
    ['with half a hash', () => with1(second({ hash: '00' })), /line 2 is not a head/],
    ['with an event of no number', () => with1(second({ seq: 0 })), /line 2 is not a head/],
    ['with a key that is none', () => with1(second({ key_id: 'x' })), /line 2 is not a head/],
    ['with a chain that is none', () => with1(second({ chain: 'owner' })), /line 2 is not a head/],
    ['of something else', () => ['{"keys": []}'], /line 1 is not a head/],
    ['of no objects', () => ['null', '1'], /line 1 is not a head/],
    ['with another count', () => [...lines.slice(0, -1), end({ chains: 1 })], /heads, and had 1/],
    ['with another checksum', () => [...lines.slice(0, -1), end({ sha256: '0'.repeat(64) })], /checksum/],
  ])('a file %s is refused, and the reason named', async (_what, changed, reason) => {
    await expect(verify(changed())).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(reason),
    });
  });
});
