import { afterEach, describe, expect, test, vi } from 'vitest';
import { eachEngine } from '../../helpers/engines.js';
import { request, secretOf } from '../service/stored.js';
import { verifierOn } from '../verify/verifiers.js';
import { chainFaults, HOUR, secretsOf } from './stored.js';

afterEach(() => {
  vi.useRealTimers();
});

eachEngine((db) => {
  const rotate = (key: string, grace: string) => db.service.rotate({ key, grace, actor: 'bob' });
  const endGrace = (key: string) => db.service.endGrace({ key, actor: 'carol' });

  /** A key, and the raw secrets that it had. */
  const make = async (expires = '90d') => {
    const created = await db.service.create(request({ expires }));
    return { id: created.key.id, raw: secretOf(created) };
  };

  /** As it is after the database's clock has stepped back by so long: every end lies further off. */
  const stepBack = (id: string, by = '2 hours') =>
    db.rows(`UPDATE apikeys.secrets SET valid_until = valid_until + interval '${by}' WHERE key_id = '${id}'`);

  /** What every way of looking a secret up says of it: by itself, among many, and with its reasons. */
  const codesOf = async (raw: string): Promise<string[]> => {
    const verifier = verifierOn(db.engine);
    const many = await Promise.all(Array.from({ length: 9 }, () => verifier.verify(raw)));
    const { code } = await verifier.verify(raw);
    const explanation = await verifier.explain(raw);
    return [...new Set([code, explanation.code, ...many.map((one) => one.code)])];
  };

  const retired = async (id: string) => (await db.service.show(id)).secrets.map((secret) => secret.retired);

  test.each<[string, (id: string) => Promise<unknown>]>([
    ['rotate --grace 0', (id) => rotate(id, '0')],
    ['rotate --end-grace', (id) => rotate(id, '7d').then(() => endGrace(id))],
  ])('what %s ended stays dead when the clock steps back', async (_command, end) => {
    const { id, raw } = await make();
    await end(id);
    await stepBack(id);
    const [, older] = await secretsOf(db.rows, id);
    expect(older?.valid_until?.getTime()).toBeGreaterThan(Date.now() + HOUR);
    expect(await codesOf(raw)).toEqual(['RETIRED']);
    expect(await retired(id)).toEqual([false, true]);
  });

  test('it takes none of the three places of secrets that are valid, and is not among the previous', async () => {
    const { id } = await make();
    await rotate(id, '0');
    await rotate(id, '0');
    await stepBack(id);
    expect((await rotate(id, '1h')).previous.map(({ version }) => version)).toEqual([3]);
    expect((await rotate(id, '1h')).previous.map(({ version }) => version)).toEqual([4, 3]);
  });

  test('a secret of a key that had expired before it was rotated stays dead', async () => {
    const { id, raw } = await make();
    await db.rows(
      `UPDATE apikeys.keys SET expires_at = date_trunc('milliseconds', now()) - interval '1 hour' WHERE id = '${id}'`,
    );
    await rotate(id, '7d');
    await stepBack(id);
    expect(await codesOf(raw)).toEqual(['RETIRED']);
  });

  test('a grace that had run out before the command ends for good with it, in its event', async () => {
    const { id, raw } = await make();
    await rotate(id, '1h');
    await db.rows(
      `UPDATE apikeys.secrets SET valid_until = now() - interval '1 hour' WHERE key_id = '${id}' AND version = 1`,
    );
    expect(await endGrace(id)).toMatchObject({ changed: 1, previous: [] });
    await stepBack(id);
    expect(await codesOf(raw)).toEqual(['RETIRED']);
    expect(await endGrace(id)).toMatchObject({ changed: 0, previous: [] });
    expect((await db.service.show(id)).events.map(({ action }) => action)).toEqual([
      'key.grace_ended',
      'key.rotated',
      'key.created',
    ]);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('the newest secret cannot have ended: the database refuses it', async () => {
    const { id } = await make();
    const ended = db.rows(`UPDATE apikeys.secrets SET ended = true WHERE key_id = '${id}'`);
    await expect(ended).rejects.toMatchObject({ code: '23514', constraint: 'secrets_ended_ok' });
  });

  test.each([
    ['a freeze', `frozen_at = now() + interval '1 day'`, 'FROZEN'],
    [
      'a freeze that ends',
      `frozen_at = now() + interval '1 day', frozen_until = now() + interval '2 days'`,
      'FROZEN',
    ],
    ['a revocation', `revoked_at = now() + interval '1 day'`, 'REVOKED'],
  ])('%s that is still to come by the clock holds', async (_what, set, code) => {
    const { id, raw } = await make();
    await db.rows(`UPDATE apikeys.keys SET ${set} WHERE id = '${id}'`);
    expect(await codesOf(raw)).toEqual([code]);
    const { status, ownerId } = await db.service.get(id);
    expect(status).toBe(code.toLowerCase());
    expect(await db.service.count({ owner: ownerId, status })).toBe(1);
    expect(await db.service.count({ owner: ownerId, status: 'active' })).toBe(0);
  });

  test("an owner's freeze that is still to come by the clock holds", async () => {
    const { id, raw } = await make();
    const { ownerId } = await db.service.get(id);
    await db.rows(
      `UPDATE apikeys.owners SET frozen_at = now() + interval '1 day' WHERE owner_id = '${ownerId}'`,
    );
    expect(await codesOf(raw)).toEqual(['FROZEN']);
  });

  // The embedded engine has the clock of its process; a server's cannot be set from here.
  describe('when the clock of the embedded engine steps back by an hour', () => {
    test('what was ended is dead, and what was running goes on', async () => {
      if (db.kind !== 'embedded') return;
      const [killed, running] = [await make(), await make()];
      await rotate(killed.id, '0');
      await rotate(running.id, '1h');
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - HOUR });
      const [row] = await db.rows('SELECT clock_timestamp() AS now');
      expect(Math.abs(Number(row?.now) - Date.now())).toBeLessThan(60_000);
      expect(await codesOf(killed.raw)).toEqual(['RETIRED']);
      expect(await codesOf(running.raw)).toEqual(['VALID']);
    });
  });
});
