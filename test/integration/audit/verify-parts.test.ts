import { beforeAll, describe, expect, test } from 'vitest';
import { ApiKeysError } from '../../../src/errors.js';
import { HeadsDigest } from '../../../src/service/audit/heads.js';
import type { AuditVerdict, VerifyAuditRequest } from '../../../src/service/audit/verify.js';
import { eachEngine } from '../../helpers/engines.js';
import { headLines } from './head-lines.js';
import { each, keepCopy, type Population, populate } from './population.js';

type Request = Omit<VerifyAuditRequest, 'heads'> & { readonly tenant?: string };

eachEngine((db) => {
  let made: Population;
  let restore: () => Promise<void>;
  let heads: readonly string[];

  beforeAll(async () => {
    made = await populate(db);
    restore = await keepCopy(db.rows);
    heads = await headLines(db.service);
  });

  const verify = (request: Request = {}, lines?: readonly string[]): Promise<AuditVerdict> =>
    db.service.verifyAudit({ ...request, ...(lines && { heads: each(lines) }) });

  /** As many runs as it takes, one chain each. */
  async function inParts(request: Request, lines?: readonly string[]): Promise<AuditVerdict[]> {
    const parts: AuditVerdict[] = [];
    let cursor: string | undefined;
    do {
      const part = await verify({ ...request, maxRuntime: '0', cursor }, lines);
      parts.push(part);
      cursor = part.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return parts;
  }

  const TAMPERED: readonly (readonly [string, () => string])[] = [
    ['nothing', () => 'SELECT 1'],
    [
      'an event',
      () => `UPDATE apikeys.audit_events SET actor = 'x' WHERE key_id = '${made.busy}' AND seq = 2`,
    ],
    [
      'an event of an owner',
      () => `UPDATE apikeys.audit_events SET actor = 'x' WHERE owner_id = '${made.owner}'`,
    ],
    ['a key', () => `UPDATE apikeys.keys SET name = 'x'`],
    ['a secret', () => `UPDATE apikeys.secrets SET valid_until = now() WHERE key_id = '${made.quiet}'`],
    ['a whole key', () => `DELETE FROM apikeys.audit_events WHERE key_id = '${made.deleted}'`],
    ['an owner', () => `UPDATE apikeys.owners SET frozen_at = now()`],
  ];

  const REQUESTS: readonly (readonly [string, () => Request, boolean])[] = [
    ['alone', () => ({}), false],
    ['with heads', () => ({}), true],
    ['the chains only', () => ({ chainOnly: true }), false],
    ['of one tenant, with heads', () => ({ tenant: made.tenant }), true],
  ];

  describe.each(TAMPERED)('%s was altered', (_, statement) => {
    test.each(REQUESTS)('in parts as in one: %s', async (__, request, withHeads) => {
      const lines = withHeads ? heads : undefined;
      try {
        await db.rows(statement());
        const whole = await verify(request(), lines);
        const parts = await inParts(request(), lines);
        expect(parts.at(-1)).toMatchObject({ ...whole, broken: expect.anything() });
        expect(parts.flatMap(({ broken }) => broken)).toEqual(whole.broken);
        expect(parts.map(({ chains }) => chains)).toEqual(whole.chains === 0 ? [0] : numbersTo(whole.chains));
      } finally {
        await restore();
      }
    });
  });

  test('nothing of what was broken is forgotten by the parts after it', async () => {
    try {
      await db.rows(`UPDATE apikeys.audit_events SET actor = 'x' WHERE key_id IS NOT NULL`);
      const parts = await inParts({});
      const last = parts.at(-1);
      expect(last).toMatchObject({ valid: false, broken: [], nextCursor: null });
      expect(last?.brokenCount).toBeGreaterThan(0);
    } finally {
      await restore();
    }
  });

  test('a cursor is good for the same verification alone', async () => {
    const { nextCursor } = await verify({ maxRuntime: '0' });
    const { nextCursor: ofEvents } = await db.service.events({ limit: 1 });
    const cursor = nextCursor ?? '';
    const refused = [
      verify({ cursor: ofEvents ?? '' }),
      verify({ cursor, chainOnly: true }),
      verify({ cursor, tenant: made.tenant }),
      verify({ cursor }, heads),
    ];
    for (const one of refused) {
      await expect(one).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        details: { reason: 'cursor_of_other_verification' },
      });
    }
    await expect(verify({ cursor: `${cursor}=` })).rejects.toMatchObject({ details: { reason: 'cursor' } });
    await expect(verify({ maxRuntime: 'soon' })).rejects.toMatchObject({ details: { reason: 'duration' } });
  });

  test('what ends it says how far it came, and from there it goes on', async () => {
    // The first 1,000 heads are read before it begins: of chains that were removed whole, all before those of owners.
    const removed = Array.from({ length: 1_000 }, (_, at) => ({
      tenantId: 'gone',
      ownerId: 'gone',
      keyId: `00000000-0000-7000-8000-${String(at + 1).padStart(12, '0')}`,
      seq: 1,
      hash: Buffer.alloc(32, at),
    }));
    const digest = new HeadsDigest();
    for (const head of removed) digest.add(head);
    const { chains, digest: sha256 } = digest.end();
    const lines = removed.map(({ tenantId, ownerId, keyId, seq, hash }) =>
      JSON.stringify({
        chain: 'key',
        tenant_id: tenantId,
        owner_id: ownerId,
        key_id: keyId,
        seq,
        hash: hash.toString('hex'),
      }),
    );
    const saved = [...lines, JSON.stringify({ chains, sha256 })];
    async function* interrupted() {
      yield* lines;
      throw new ApiKeysError('INTERRUPTED', 'interrupted');
    }

    const whole = await verify({}, saved);
    expect(whole.brokenCount).toBe(1_000);
    const ended = await db.service.verifyAudit({ heads: interrupted() }).catch((error: unknown) => error);
    expect(ended).toMatchObject({
      code: 'INTERRUPTED',
      message: 'interrupted; by then 999 chains had been checked, with 999 broken places',
      details: { checked: { chains: 999, events: 0, brokenCount: 999 } },
    });
    const cursor = ended instanceof ApiKeysError ? ended.details.checked?.cursor : undefined;
    const rest = await verify({ cursor }, saved);
    expect(rest).toEqual({ ...whole, broken: [expect.objectContaining({ keyId: removed.at(-1)?.keyId })] });
  });
});

const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);
