import { expect, test } from 'vitest';
import { type AuditEvent, EMPTY_CHAIN, verifyLink } from '../../../src/domain/audit.js';
import { eachEngine } from '../../helpers/engines.js';
import { events, fingerprint, keyChain, ownerChain, request, unique } from './stored.js';

/** What is wrong with each event of a chain; all null if nothing is. */
const faults = (chain: readonly AuditEvent[]) =>
  chain.map((event, index) => verifyLink(chain[index - 1] ?? EMPTY_CHAIN, event));

const head = (chain: readonly AuditEvent[]) => {
  const last = chain.at(-1);
  return { audit_seq: last?.seq ?? 0, audit_hash: last?.hash ?? null };
};

eachEngine((db) => {
  test('a create writes one event that says who made what', async () => {
    const owner = unique('owner');
    const { key } = await db.service.create(
      request({
        owner,
        name: 'ci',
        scopes: ['read'],
        metadata: { team: 'core' },
        description: 'd',
        actor: 'alice',
      }),
    );
    const chain = await events(db.rows, keyChain(key.id));
    const [{ role } = { role: '' }] = await db.rows('SELECT current_user::text AS role');
    expect(chain).toEqual([
      expect.objectContaining({
        seq: 1,
        at: key.createdAt,
        actor: 'alice',
        dbRole: role,
        action: 'key.created',
        tenantId: 'default',
        ownerId: owner,
        reason: null,
        prevHash: null,
      }),
    ]);
    expect(JSON.parse(chain[0]?.details ?? '')).toEqual({
      name: 'ci',
      description: 'd',
      scopes: ['read'],
      metadata: { team: 'core' },
      key_prefix: key.keyPrefix,
      expires_at: key.expiresAt?.toISOString(),
      lifetime_ms: 90 * 86_400_000,
      secret_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('the chains of a key and of its owner hold, and their heads are on their rows', async () => {
    const owner = unique('owner');
    const { key } = await db.service.create(
      request({ owner, name: 'naïve "\u{1f511}"', metadata: { a: '\t' } }),
    );
    await db.service.revoke({ keys: [key.id], reason: 'left – für immer', actor: 'bob' });
    const ofKey = await events(db.rows, keyChain(key.id));
    const ofOwner = await events(db.rows, ownerChain(owner));
    expect(ofKey.map(({ action }) => action)).toEqual(['key.created', 'key.revoked']);
    expect(ofOwner.map(({ action }) => action)).toEqual(['owner.first_key']);
    expect([...faults(ofKey), ...faults(ofOwner)]).toEqual([null, null, null]);
    expect(await db.rows(`SELECT audit_seq, audit_hash FROM apikeys.keys WHERE id = '${key.id}'`)).toEqual([
      head(ofKey),
    ]);
    expect(
      await db.rows(`SELECT audit_seq, audit_hash FROM apikeys.owners WHERE owner_id = '${owner}'`),
    ).toEqual([head(ofOwner)]);
  });

  test('an event that was altered is found', async () => {
    const { key } = await db.service.create(request({ actor: 'mallory' }));
    await db.rows(`UPDATE apikeys.audit_events SET actor = 'alice' WHERE key_id = '${key.id}'`);
    expect(faults(await events(db.rows, keyChain(key.id)))).toEqual(['hash']);
  });

  test('a revoke of several keys writes one event for each, with the reason', async () => {
    const made = [await db.service.create(request()), await db.service.create(request())];
    const ids = made.map(({ key }) => key.id);
    const { keys } = await db.service.revoke({ keys: ids, reason: 'incident 42', actor: 'bob' });
    for (const key of keys) {
      expect((await events(db.rows, keyChain(key.id))).at(-1)).toMatchObject({
        seq: 2,
        action: 'key.revoked',
        actor: 'bob',
        reason: 'incident 42',
        at: key.revokedAt,
        details: '{}',
      });
    }
  });

  test('a revoke that changes nothing writes no event', async () => {
    const { key } = await db.service.create(request());
    await db.service.revoke({ keys: [key.id], actor: 'bob' });
    const before = await fingerprint(db.rows);
    await db.service.revoke({ keys: [key.id], actor: 'bob', reason: 'again' });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test.each(['key.created', 'owner.first_key'])(
    'when the event %s cannot be written, no key is made',
    async (action) => {
      const before = await fingerprint(db.rows);
      await refusing(action, async () => {
        await expect(db.service.create(request())).rejects.toMatchObject({
          code: 'INTERNAL',
          sqlState: '23514',
        });
      });
      expect(await fingerprint(db.rows)).toEqual(before);
    },
  );

  test('when the event of one revoke cannot be written, none of the keys is revoked', async () => {
    const made = [await db.service.create(request()), await db.service.create(request())];
    const [first = '', second = ''] = made.map(({ key }) => key.id);
    await db.rows(`ALTER TABLE apikeys.audit_events ADD CONSTRAINT refusing
                   CHECK (action <> 'key.revoked' OR key_id <> '${second}') NOT VALID`);
    const before = await fingerprint(db.rows);
    try {
      const revoke = db.service.revoke({ keys: [first, second], actor: 'bob' });
      await expect(revoke).rejects.toMatchObject({ code: 'INTERNAL', sqlState: '23514' });
    } finally {
      await db.rows('ALTER TABLE apikeys.audit_events DROP CONSTRAINT refusing');
    }
    expect(await fingerprint(db.rows)).toEqual(before);
    expect((await db.service.revoke({ keys: [first, second], actor: 'bob' })).changed).toBe(2);
  });

  async function refusing(action: string, work: () => Promise<void>): Promise<void> {
    await db.rows(
      `ALTER TABLE apikeys.audit_events ADD CONSTRAINT refusing CHECK (action <> '${action}') NOT VALID`,
    );
    try {
      await work();
    } finally {
      await db.rows('ALTER TABLE apikeys.audit_events DROP CONSTRAINT refusing');
    }
  }
});
