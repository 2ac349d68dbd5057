import { beforeAll, describe, expect, test } from 'vitest';
import { type AuditEvent, nextEvent } from '../../../src/domain/audit.js';
import { eachEngine } from '../../helpers/engines.js';
import { withHint } from '../../helpers/with-hint.js';
import { events, keyChain, request, unique } from '../service/stored.js';

const actor = 'oncall';
const MAX = Number.MAX_SAFE_INTEGER;

eachEngine((db) => {
  let owner: string;
  let id: string;
  let apiKey: string;

  const make = async (): Promise<void> => {
    owner = unique('owner');
    const made = await db.service.create(request({ owner, scopes: ['read'] }));
    id = made.key.id;
    apiKey = made.apiKey ?? '';
    await db.service.rotate({ key: id, grace: '1h', actor });
  };

  const code = async (): Promise<string> => (await db.service.verify(apiKey)).code;

  /** What an `admin` can write by hand: an event as ours are, in any place. */
  async function forge(seq: number, of: Partial<AuditEvent> = {}): Promise<void> {
    const last = (await events(db.rows, keyChain(id))).at(-1);
    if (last === undefined) throw new Error('there is no chain');
    const event = {
      ...nextEvent({ seq: seq - 1, hash: last.hash }, { ...last, action: 'key.unfrozen' }),
      ...of,
    };
    await db.rows(`
      INSERT INTO apikeys.audit_events (id, seq, at, actor, action, tenant_id, owner_id, key_id, reason, details, prev_hash, hash)
      SELECT gen_random_uuid(), ${seq}, now(), 'mallory', 'key.unfrozen', tenant_id, owner_id,
             ${of.keyId === null ? 'NULL' : 'key_id'}, NULL, '{}',
             ${seq === 1 ? 'NULL' : `'\\x${event.prevHash?.toString('hex')}'`}, '\\x${event.hash.toString('hex')}'
        FROM apikeys.audit_events WHERE key_id = '${id}' LIMIT 1`);
  }

  const BROKEN: readonly [string, () => Promise<unknown>][] = [
    ['an event in the place of the next one', () => forge(3)],
    ['events in many places', async () => [await forge(3), await forge(4), await forge(6)]],
    ['an event in the last place', () => forge(MAX)],
    ['events in the last two places', async () => [await forge(MAX - 1), await forge(MAX)]],
    ['events in the next and the last place', async () => [await forge(3), await forge(MAX)]],
    [
      'a head that is not the last event',
      () => db.rows(`UPDATE apikeys.keys SET audit_hash = sha256('x') WHERE id = '${id}'`),
    ],
    [
      'a head before the last event',
      () => db.rows(`UPDATE apikeys.keys SET audit_seq = 1 WHERE id = '${id}'`),
    ],
    [
      'a head behind the last event',
      () => db.rows(`UPDATE apikeys.keys SET audit_seq = 1000 WHERE id = '${id}'`),
    ],
    [
      'a head in the last place',
      () => db.rows(`UPDATE apikeys.keys SET audit_seq = ${MAX} WHERE id = '${id}'`),
    ],
    [
      'events restored from before the last ones',
      () => db.rows(`DELETE FROM apikeys.audit_events WHERE ${keyChain(id)} AND seq > 1`),
    ],
    ['no event at all', () => db.rows(`DELETE FROM apikeys.audit_events WHERE ${keyChain(id)}`)],
    [
      'no event at all, and a head in the last place',
      async () => [
        await db.rows(`DELETE FROM apikeys.audit_events WHERE ${keyChain(id)}`),
        await db.rows(`UPDATE apikeys.keys SET audit_seq = ${MAX} WHERE id = '${id}'`),
      ],
    ],
  ];

  describe.each(BROKEN)('with %s', (_what, damage) => {
    beforeAll(async () => {
      await make();
      await damage();
    });

    test('what gives access is refused', async () => {
      for (const change of [
        () => db.service.rotate({ key: id, actor }),
        () => db.service.update({ key: id, expires: 'never', actor }),
        () => db.service.updateScopes({ key: id, add: ['*'], actor }),
      ]) {
        await expect(withHint(change())).rejects.toMatchObject({
          code: 'AUDIT_CHAIN_BROKEN',
          message: expect.stringMatching(/nothing was changed/),
          hint: expect.stringMatching(/audit verify/),
        });
      }
    });

    test('the key is frozen, the grace ended and the key revoked, and the trail says where it was broken', async () => {
      const frozen = await db.service.freeze({ keys: [id], actor });
      expect(frozen).toMatchObject({ changed: 1, brokenChains: [{ keyId: id }] });
      const of = ({ keyId }: { keyId: string | null }) => keyId === id;
      const { broken } = await db.service.verifyAudit();
      expect(broken.filter(of).map(({ fault }) => fault)).toContain('segment');
      // An event that is still in the way of the next one breaks the chain once more.
      expect(await db.service.endGrace({ key: id, actor })).toMatchObject({ changed: 1 });
      expect(await db.service.revoke({ keys: [id], actor })).toMatchObject({ changed: 1 });
      expect(await code()).toBe('REVOKED');
      const ours = await events(db.rows, `${keyChain(id)} AND actor = '${actor}'`);
      expect(ours.map(({ action }) => action)).toEqual(
        expect.arrayContaining(['key.frozen', 'key.grace_ended', 'key.revoked']),
      );
      const last = (await db.service.verifyAudit()).broken.filter(of).map(({ fault }) => fault);
      expect(last).not.toContain('state');
    });
  });

  test('a key that is not broken says so', async () => {
    await make();
    expect(await db.service.freeze({ keys: [id], actor })).toMatchObject({ changed: 1, brokenChains: [] });
    expect(await db.service.unfreeze({ keys: [id], actor })).toMatchObject({ changed: 1, brokenChains: [] });
  });

  test('unfreezing is refused where the chain is broken', async () => {
    await make();
    await db.service.freeze({ keys: [id], actor });
    await forge(4);
    await expect(db.service.unfreeze({ keys: [id], actor })).rejects.toMatchObject({
      code: 'AUDIT_CHAIN_BROKEN',
    });
  });

  test('of several keys each goes on in its own way, in one transaction', async () => {
    await make();
    const [whole, broken] = [id, (await db.service.create(request({ owner }))).key.id];
    id = broken;
    await forge(2);
    const done = await db.service.revoke({ keys: [whole, broken], actor });
    expect(done).toMatchObject({ changed: 2, brokenChains: [{ keyId: broken }] });
  });

  test("an owner whose chain is broken is frozen, and its keys with it; unfreezing and a new owner's first key are refused", async () => {
    await make();
    await forge(2, { keyId: null });
    expect(await db.service.freezeOwner({ owner, actor })).toMatchObject({
      changed: 1,
      brokenChains: [{ ownerId: owner, keyId: null }],
    });
    expect(await code()).toBe('FROZEN');
    const { broken } = await db.service.verifyAudit();
    expect(broken).toContainEqual(expect.objectContaining({ ownerId: owner, keyId: null, fault: 'segment' }));
    await forge(4, { keyId: null });
    await expect(db.service.unfreezeOwner({ owner, actor })).rejects.toMatchObject({
      code: 'AUDIT_CHAIN_BROKEN',
    });
    expect(await db.service.freezeOwner({ owner, until: '9h', actor })).toMatchObject({ changed: 0 });
  });

  test('cleanup leaves a key whose chain is broken, and deletes the others', async () => {
    await make();
    const [whole, broken] = [id, (await db.service.create(request({ owner }))).key.id];
    await db.service.revoke({ keys: [whole, broken], actor });
    id = broken;
    await forge(3);
    await db.service.cleanup({ olderThan: '0', actor });
    await expect(db.service.get(whole)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    expect((await db.service.get(broken)).status).toBe('revoked');
    expect(await db.service.cleanup({ olderThan: '0', auditOlderThan: '0', actor })).toMatchObject({
      complete: true,
    });
  });

  test('an event of our own cannot hide a break: a segment is always told of', async () => {
    await make();
    await db.rows(
      `UPDATE apikeys.audit_events SET details = '{"segment": null}' WHERE ${keyChain(id)} AND seq = 2`,
    );
    const { broken } = await db.service.verifyAudit();
    expect(broken.filter(({ keyId }) => keyId === id)).toMatchObject([{ seq: 2, fault: 'hash' }]);
  });
});
