import { beforeAll, describe, expect, test } from 'vitest';
import { HeadsDigest } from '../../../src/service/audit/heads.js';
import type { AuditVerdict } from '../../../src/service/audit/verify.js';
import { eachEngine } from '../../helpers/engines.js';
import { headLines } from './head-lines.js';
import { each, keepCopy, type Population, populate } from './population.js';

eachEngine((db) => {
  let made: Population;
  let restore: () => Promise<void>;
  let heads: readonly string[];

  beforeAll(async () => {
    made = await populate(db);
    restore = await keepCopy(db.rows);
    heads = await headLines(db.service);
  });

  const verify = (tenant?: string) => db.service.verifyAudit({ tenant });
  const verifyWithHeads = (lines = heads) => db.service.verifyAudit({ heads: each(lines) });

  /** Runs statements, verifies, and puts everything back. */
  async function tampered(
    statements: readonly string[],
    check: () => Promise<AuditVerdict> = verify,
  ): Promise<AuditVerdict> {
    try {
      for (const statement of statements) await db.rows(statement);
      return await check();
    } finally {
      await restore();
    }
  }

  const faultsOf = ({ valid, broken, brokenCount }: AuditVerdict): string[] => {
    expect(valid).toBe(broken.length === 0);
    expect(brokenCount).toBe(broken.length);
    return broken.map(({ keyId, seq, fault }) => `${keyId === null ? 'owner' : 'key'} ${seq} ${fault}`);
  };

  const event = (seq: number, key = made.busy): string => `key_id = '${key}' AND seq = ${seq}`;
  const events = 'apikeys.audit_events';

  test('what the service wrote holds, and all of it was looked at', async () => {
    const verdict = await verify();
    const [counted] = await db.rows(`
      SELECT count(*) AS events, count(DISTINCT COALESCE(key_id::text, tenant_id || '/' || owner_id)) AS chains
        FROM apikeys.audit_events`);
    expect(verdict).toEqual({ valid: true, broken: [], brokenCount: 0, nextCursor: null, ...counted });
    expect(verdict.events).toBeGreaterThan(15);
    expect(await verifyWithHeads()).toEqual(verdict);
  });

  test('one tenant alone', async () => {
    const all = await verify();
    const one = await verify(made.tenant);
    expect(one.valid).toBe(true);
    expect(one.events).toBeLessThan(all.events);
    expect((await verify('nowhere')).chains).toBe(0);
    const verdict = await tampered([`UPDATE ${events} SET actor = 'x' WHERE ${event(2)}`], () =>
      verify('default'),
    );
    expect(verdict.valid).toBe(true);
    // A file of all tenants' heads is good for one of them.
    expect((await db.service.verifyAudit({ tenant: made.tenant, heads: each(heads) })).valid).toBe(true);
  });

  test.each([
    ['id', 'gen_random_uuid()'],
    ['at', `at + interval '1 ms'`],
    ['at', `'infinity'`],
    ['at', `'4000-01-01 BC'`],
    ['actor', `actor || ' '`],
    ['db_role', `'postgres2'`],
    ['action', `'key.created'`],
    ['tenant_id', `'default'`],
    ['owner_id', `'mallory'`],
    ['reason', `'incident – 43'`],
    ['reason', 'NULL'],
    ['details', `'{}'`],
    ['details', `details || ' '`],
    ['prev_hash', `sha256('x')`],
    ['hash', `sha256('x')`],
  ])('an event whose %s was set to %s', async (column, value) => {
    const verdict = await tampered([
      // The owner of the schema may take away what keeps odd times out.
      `ALTER TABLE ${events} DROP CONSTRAINT IF EXISTS audit_events_at_ok`,
      `UPDATE ${events} SET ${column} = ${value} WHERE ${event(3)}`,
    ]);
    expect(faultsOf(verdict)).toContain('key 3 hash');
    expect(verdict.broken[0]).toMatchObject({ tenantId: made.tenant, ownerId: made.owner, keyId: made.busy });
  });

  test.each([
    ['seq', '99', ['seq']],
    ['seq', '9007199254740991', ['hash', 'head']],
    ['key_id', 'gen_random_uuid()', ['seq', 'hash']],
  ])('an event whose %s was set to %s', async (column, value, faults) => {
    const verdict = await tampered([`UPDATE ${events} SET ${column} = ${value} WHERE ${event(3)}`]);
    expect(verdict.broken.map(({ fault }) => fault)).toEqual(expect.arrayContaining(faults));
    expect(verdict.broken.every(({ seq }) => Number.isSafeInteger(seq))).toBe(true);
  });

  test("an event that was moved from a key's chain to its owner's", async () => {
    const verdict = await tampered([`UPDATE ${events} SET key_id = NULL WHERE ${event(7)}`]);
    expect(faultsOf(verdict)).toEqual(['key 7 truncated', 'owner 7 hash', 'owner 7 head']);
  });

  test('an event of an owner that was altered', async () => {
    const where = `key_id IS NULL AND owner_id = '${made.owner}' AND tenant_id = '${made.tenant}' AND seq = 3`;
    const verdict = await tampered([`UPDATE ${events} SET actor = 'x' WHERE ${where}`]);
    expect(faultsOf(verdict)).toEqual(['owner 3 hash']);
  });

  test.each([
    ['the first', 1, ['key 2 seq']],
    ['one in the middle', 3, ['key 4 seq']],
    ['the last', 7, ['key 7 truncated']],
  ])('a deleted event: %s', async (_which, seq, faults) => {
    const verdict = await tampered([`DELETE FROM ${events} WHERE ${event(seq)}`]);
    expect(faultsOf(verdict)).toEqual(faults);
  });

  test('two events that changed places', async () => {
    const verdict = await tampered([
      `UPDATE ${events} SET seq = 1000 WHERE ${event(3)}`,
      `UPDATE ${events} SET seq = 3 WHERE ${event(4)}`,
      `UPDATE ${events} SET seq = 4 WHERE ${event(1000)}`,
    ]);
    expect(faultsOf(verdict)).toEqual(['key 3 hash', 'key 4 hash', 'key 5 prev_hash']);
  });

  test('a chain without any event', async () => {
    const verdict = await tampered([`DELETE FROM ${events} WHERE key_id = '${made.busy}'`]);
    expect(faultsOf(verdict)).toEqual(['key 1 missing']);
    const ofOwner = await tampered([
      `DELETE FROM ${events} WHERE key_id IS NULL AND owner_id = '${made.owner}'`,
    ]);
    expect(faultsOf(ofOwner)).toEqual(['owner 1 missing', 'owner 1 missing']);
  });

  test('an owner whose chain was removed together with its head', async () => {
    const owner = `owner_id = '${made.owner}' AND tenant_id = '${made.tenant}'`;
    const verdict = await tampered([
      `DELETE FROM ${events} WHERE key_id IS NULL AND ${owner}`,
      `UPDATE apikeys.owners SET audit_seq = 0, audit_hash = NULL WHERE ${owner}`,
    ]);
    expect(faultsOf(verdict)).toEqual(['owner 1 missing']);
  });

  test.each([
    ['audit_hash', `sha256('x')`, ['key 7 head']],
    ['audit_seq', '6', ['key 7 head']],
    ['audit_seq', '8', ['key 8 truncated']],
    ['audit_seq', '9007199254740991', ['key 8 truncated']],
  ])('a key whose %s was set to %s', async (column, value, faults) => {
    const verdict = await tampered([
      `UPDATE apikeys.keys SET ${column} = ${value} WHERE id = '${made.busy}'`,
    ]);
    expect(faultsOf(verdict)).toEqual(faults);
  });

  test('an event that was added behind the head, its hash as it should be', async () => {
    const verdict = await tampered([
      `UPDATE apikeys.keys SET audit_seq = 6, audit_hash = (SELECT hash FROM ${events} WHERE ${event(6)})
        WHERE id = '${made.busy}'`,
    ]);
    expect(faultsOf(verdict)).toEqual(['key 7 head']);
  });

  test('an event that was put between two others', async () => {
    const verdict = await tampered([
      `UPDATE ${events} SET seq = seq + 1000 WHERE key_id = '${made.busy}' AND seq > 3`,
      `INSERT INTO ${events} SELECT gen_random_uuid(), 4, at, actor, db_role, action, tenant_id, owner_id, key_id, reason,
              details, hash, sha256('x') FROM ${events} WHERE ${event(3)}`,
    ]);
    expect(faultsOf(verdict)).toEqual(
      expect.arrayContaining(['key 4 hash', 'key 1004 hash', 'key 1007 hash']),
    );
  });

  test('a key that was removed without a word, and one that was put back', async () => {
    const removed = await tampered([
      `DELETE FROM apikeys.secrets WHERE key_id = '${made.quiet}'`,
      `DELETE FROM apikeys.keys WHERE id = '${made.quiet}'`,
    ]);
    expect(faultsOf(removed)).toEqual(['key 1 head']);
    const returned = await tampered([
      `INSERT INTO apikeys.keys (id, tenant_id, owner_id, name, key_prefix, secret_hash, created_at, created_by, audit_seq, audit_hash)
       SELECT key_id, tenant_id, owner_id, 'back', 'rv_00000000', hash, at, actor, seq, hash
         FROM ${events} WHERE key_id = '${made.deleted}' AND action = 'key.deleted'`,
    ]);
    expect(faultsOf(returned)).toEqual([expect.stringMatching(/^key \d head$/)]);
  });

  describe('what only saved heads show', () => {
    const cutOff = (): string[] => [
      `DELETE FROM ${events} WHERE key_id = '${made.revoked}' AND seq > 1`,
      `UPDATE apikeys.keys SET audit_seq = 1, audit_hash = (SELECT hash FROM ${events} WHERE ${event(1, made.revoked)}),
              revoked_at = NULL, revoked_by = NULL, revoked_reason = NULL WHERE id = '${made.revoked}'`,
    ];
    const removeKey = (): string[] => [
      `DELETE FROM ${events} WHERE key_id = '${made.quiet}'`,
      `DELETE FROM apikeys.secrets WHERE key_id = '${made.quiet}'`,
      `DELETE FROM apikeys.keys WHERE id = '${made.quiet}'`,
    ];

    test('an end that was cut off, and with it the stored head and what it had changed', async () => {
      expect((await tampered(cutOff())).valid).toBe(true);
      expect(faultsOf(await tampered(cutOff(), verifyWithHeads))).toEqual(['key 2 truncated']);
    });

    test('a chain that was removed whole, and its key with it', async () => {
      expect((await tampered(removeKey())).valid).toBe(true);
      expect(faultsOf(await tampered(removeKey(), verifyWithHeads))).toEqual(['key 1 missing']);
    });

    test('the chain of a deleted key', async () => {
      const removal = [`DELETE FROM ${events} WHERE key_id = '${made.deleted}'`];
      expect((await tampered(removal)).valid).toBe(true);
      expect(faultsOf(await tampered(removal, verifyWithHeads))).toEqual(['key 1 missing']);
    });

    test('an event that was replaced, everything after it and the stored head recomputed', async () => {
      const other = heads.map((line) =>
        line.includes(made.quiet) ? line.replace(/"hash":"[0-9a-f]{4}/, '"hash":"0000') : line,
      );
      const verdict = await tampered([], () => verifyWithHeads(resealed(other)));
      expect(faultsOf(verdict)).toEqual(['key 1 head']);
    });

    test('heads that were saved earlier hold while the chains grow', async () => {
      const earlier = heads;
      try {
        await db.service.freeze({ keys: [made.quiet], actor: 'later' });
        await db.service.revoke({ keys: [made.quiet], actor: 'later' });
        await db.service.cleanup({ olderThan: '0', actor: 'later' });
        await populate(db);
        expect(faultsOf(await verifyWithHeads(earlier))).toEqual([]);
      } finally {
        await restore();
      }
    });
  });

  describe('a trail whose beginning was pruned', () => {
    const pruned = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        await db.service.cleanup({ olderThan: '0', auditOlderThan: '0', actor: 'pruner' });
        const [{ anchors } = { anchors: 0 }] = await db.rows(
          'SELECT count(*) AS anchors FROM apikeys.audit_anchors',
        );
        expect(anchors).toBeGreaterThan(3);
        await db.service.freeze({ keys: [made.busy], actor: 'later' });
        return await work();
      } finally {
        await restore();
      }
    };

    test('holds, also against heads that were saved before', async () => {
      await pruned(async () => {
        expect(faultsOf(await verify())).toEqual([]);
        expect(faultsOf(await verifyWithHeads())).toEqual([]);
        expect(faultsOf(await verifyWithHeads(await headLines(db.service)))).toEqual([]);
      });
    });

    test('has heads of the chains of which nothing is left', async () => {
      await pruned(async () => {
        const found = (await headLines(db.service)).find((line) => line.includes(made.deleted));
        expect(found).toBe(heads.find((line) => line.includes(made.deleted)));
      });
    });

    test.each([
      ['seq', 'seq + 1'],
      ['hash', `sha256('x')`],
      ['owner_seq', 'owner_seq + 1'],
      ['tenant_id', `'elsewhere'`],
      ['state', 'NULL'],
      ['state', `'{}'`],
      ['state', `state || ' '`],
      // With the brace that follows, it is a part of what the event says.
      ['state', `left(state, position('}' IN state) - 1)`],
    ])('is broken where the %s of an anchor was set to %s', async (column, value) => {
      await pruned(async () => {
        await db.rows(`UPDATE apikeys.audit_anchors SET ${column} = ${value} WHERE key_id = '${made.busy}'`);
        expect(faultsOf(await verify()).length).toBeGreaterThan(0);
      });
    });

    test('is broken where an anchor was removed', async () => {
      await pruned(async () => {
        await db.rows(`DELETE FROM apikeys.audit_anchors WHERE key_id = '${made.busy}'`);
        expect(faultsOf(await verify())).toEqual(['key 8 seq']);
      });
    });

    test('cannot be feigned by an anchor alone, nor by one of the owner that vouches for it', async () => {
      const anchor = (key: string, seq: number, ownerSeq: number): string => `
        INSERT INTO apikeys.audit_anchors
        SELECT tenant_id, owner_id, ${key}, seq, hash, ${ownerSeq}, at, 'mallory'
          FROM ${events} WHERE key_id = '${made.busy}' AND seq = ${seq}`;
      const beheaded = [
        anchor('key_id', 3, 2),
        `DELETE FROM ${events} WHERE key_id = '${made.busy}' AND seq <= 3`,
      ];
      expect(faultsOf(await tampered(beheaded))).toEqual(['key 3 seq']);
      const vouched = await tampered([anchor('NULL', 3, 2), ...beheaded]);
      expect(faultsOf(vouched)).toEqual(['owner 3 seq', 'owner 1 seq']);
    });
  });

  test.each(['[1, {"chains": 3}]', '{"chains": {}}', 'no JSON at all', '{"chains": ['])(
    'details that no event of ours has stop nothing: %s',
    async (details) => {
      const verdict = await tampered([
        // The owner of the schema may take away what keeps them out.
        `ALTER TABLE ${events} DROP CONSTRAINT IF EXISTS audit_events_details_ok`,
        `UPDATE ${events} SET details = '${details}', action = 'audit.pruned' WHERE key_id IS NULL`,
        `INSERT INTO apikeys.audit_anchors SELECT tenant_id, owner_id, key_id, 1, hash, 1, at, 'x' FROM ${events} WHERE ${event(1)}`,
      ]);
      expect(verdict.valid).toBe(false);
    },
  );

  test('all broken places are counted, the first hundred named', async () => {
    const { events: total } = await verify();
    const many = await tampered([
      `INSERT INTO ${events} SELECT gen_random_uuid(), 1, at, actor, db_role, action, tenant_id, owner_id, gen_random_uuid(),
              reason, details, NULL, hash FROM ${events}, generate_series(1, 10)`,
    ]);
    // Each is altered, and the end of no key's chain, but for ten that say that their key was deleted.
    expect(many).toMatchObject({ valid: false, brokenCount: 20 * total - 10, events: 11 * total });
    expect(many.broken).toHaveLength(100);
  });
});

/** The lines with an end that fits them. */
function resealed(lines: readonly string[]): string[] {
  const digest = new HeadsDigest();
  const heads = lines.slice(0, -1);
  for (const line of heads) {
    const { tenant_id, owner_id, key_id, seq, hash } = JSON.parse(line);
    digest.add({
      tenantId: tenant_id,
      ownerId: owner_id,
      keyId: key_id,
      seq,
      hash: Buffer.from(hash, 'hex'),
    });
  }
  const { chains, digest: sha256 } = digest.end();
  return [...heads, JSON.stringify({ chains, at: new Date(0), sha256 })];
}
