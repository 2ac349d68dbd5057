import { expect, test } from 'vitest';
import type { Key } from '../../../src/domain/key.js';
import { eachEngine } from '../../helpers/engines.js';
import { request } from '../service/stored.js';
import { DAY, everything, secretsOf } from './stored.js';

eachEngine((db) => {
  const make = async (expires?: string) => (await db.service.create(request({ expires }))).key;
  const rotate = async (key: string, expires?: string) =>
    (await db.service.rotate({ key, expires, actor: 'bob' })).key;

  /** Days from the newest secret to the end of the key; null: it has none. */
  const days = async ({ id, expiresAt }: Key): Promise<number | null> => {
    const [current] = await secretsOf(db.rows, id);
    return expiresAt && (expiresAt.getTime() - (current?.created_at.getTime() ?? Number.NaN)) / DAY;
  };

  /** As if the key had been made so long ago. */
  const age = (id: string, by: string) =>
    db.rows(`UPDATE apikeys.keys SET created_at = created_at - interval '${by}',
                    expires_at = expires_at - interval '${by}' WHERE id = '${id}'`);

  test('a key of 7 days gets 7 days again, however many are left', async () => {
    const { id } = await make('7d');
    await age(id, '5 days');
    expect(await days(await rotate(id))).toBe(7);
  });

  test('a key that never ends never ends', async () => {
    const { id } = await make('never');
    expect((await rotate(id)).expiresAt).toBeNull();
  });

  test('a key with the configured lifetime keeps it when the configuration changes', async () => {
    const { id } = await make();
    const { key } = await db
      .serviceWith({ defaultExpiry: { kind: 'never' } })
      .rotate({ key: id, actor: 'bob' });
    expect(await days(key)).toBe(90);
  });

  test('a key that ends at a given time gets as long again', async () => {
    const at = new Date(Date.now() + 3 * DAY).toISOString();
    const key = await make(at);
    const lifetime = (await days(key)) ?? 0;
    await age(key.id, '1 day');
    expect(lifetime).toBeLessThanOrEqual(3);
    expect(await days(await rotate(key.id))).toBe(lifetime);
  });

  test('an updated lifetime is the one that a rotation gives again', async () => {
    const { id } = await make('90d');
    await db.service.update({ key: id, expires: '7d', actor: 'bob' });
    await age(id, '6 days');
    expect(await days(await rotate(id))).toBe(7);
  });

  test('an update to never is the one that a rotation gives again', async () => {
    const { id } = await make('90d');
    await db.service.update({ key: id, expires: 'never', actor: 'bob' });
    expect((await rotate(id)).expiresAt).toBeNull();
  });

  test('a lifetime given to a rotation takes the place of the former, then and after', async () => {
    const { id } = await make('90d');
    expect(await days(await rotate(id, '30d'))).toBe(30);
    await age(id, '10 days');
    expect(await days(await rotate(id))).toBe(30);
  });

  test('a rotation to never, and back', async () => {
    const { id } = await make('90d');
    expect((await rotate(id, 'never')).expiresAt).toBeNull();
    expect(await days(await rotate(id, '1w'))).toBe(7);
  });

  test.each(['0', '0d'])('an expiry of %s is never', async (expires) => {
    const { id } = await make('90d');
    expect((await rotate(id, expires)).expiresAt).toBeNull();
  });

  test.each(['2020-01-01T00:00:00Z', '-1d', '30'])('an expiry of %s is refused', async (expires) => {
    const { id } = await make();
    const before = await everything(db.rows);
    await expect(rotate(id, expires)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(db.service.update({ key: id, expires, actor: 'bob' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await everything(db.rows)).toEqual(before);
  });
});
