import { expect, test } from 'vitest';
import { eachEngine, onServer } from '../../helpers/engines.js';
import type { CreateRequest } from '../../helpers/named-caller.js';
import { withHint } from '../../helpers/with-hint.js';
import { request, unique } from '../service/stored.js';
import { everything, hashOf, secretsOf } from './stored.js';

eachEngine((db) => {
  /** A request with an idempotency key of its own, to be repeated. */
  const repeatable = (more: Partial<CreateRequest> = {}): CreateRequest => ({
    ...request({ scopes: ['read', 'write'], metadata: { a: '1', b: '2' }, ...more }),
    idempotencyKey: unique('once'),
  });
  const never = async () => {
    throw new Error('revealed');
  };

  test('a repetition gives the same key, without its secret, and changes nothing', async () => {
    const first = repeatable();
    const made = await db.service.create(first);
    expect(made).toMatchObject({ changed: 1, firstKey: true, apiKey: expect.stringMatching(/^rv_/) });
    const before = await everything(db.rows);
    const again = await db.service.create(first, never);
    expect(again).toEqual({
      key: made.key,
      apiKey: null,
      changed: 0,
      firstKey: false,
      newTenant: false,
      lifetimeCut: null,
    });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('the same request spelt in another way is the same one', async () => {
    const first = repeatable({ name: 'n\u00e9', scopes: ['read', 'write'], expires: '7d', description: '' });
    const { key } = await db.service.create(first);
    const { description: _none, ...rest } = first;
    const again = await db.service.create({
      ...rest,
      name: 'ne\u0301',
      scopes: ['write,read', 'read'],
      metadata: { b: '2', a: '1' },
      tenant: 'default',
      actor: 'someone else',
    });
    expect(again).toMatchObject({ key: { id: key.id }, changed: 0 });
  });

  test.each<Partial<CreateRequest>>([
    { name: 'other' },
    { scopes: ['read'] },
    { scopes: [] },
    { description: 'd' },
    { metadata: { a: '1' } },
    { metadata: { a: '1', b: '3' } },
    { expires: '90d' },
    { expires: 'never' },
  ])('a repetition with %j is a conflict that names the key, and makes none', async (other) => {
    const first = repeatable();
    const { key } = await db.service.create(first);
    const before = await everything(db.rows);
    await expect(withHint(db.service.create({ ...first, ...other }, never))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      hint: expect.stringContaining(key.id),
    });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('another configured lifetime between the two is still the same request', async () => {
    const first = repeatable();
    const { key } = await db.service.create(first);
    const elsewhere = db.serviceWith({
      defaultExpiry: { kind: 'never' },
      prefix: 'sk_',
      secretBytes: 48,
      maxKeysPerOwner: 1,
    });
    expect(await elsewhere.create(first)).toMatchObject({ key, changed: 0 });
  });

  test('a repetition is known before the limit and the freeze', async () => {
    const first = repeatable();
    const one = db.serviceWith({ maxKeysPerOwner: 1 });
    const { key } = await one.create(first);
    await expect(one.create(request({ owner: first.owner }))).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
    });
    expect(await one.create(first)).toMatchObject({ key, changed: 0 });
    await db.service.freezeOwner({ owner: first.owner, actor: 'eve' });
    expect(await one.create(first)).toMatchObject({ key: { id: key.id, frozenByOwner: true }, changed: 0 });
    await expect(one.create({ ...first, name: 'other' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
  });

  test('it gives the key as it is by now: rotated, updated, revoked', async () => {
    const first = repeatable();
    const { key } = await db.service.create(first);
    const rotated = await db.service.rotate({ key: key.id, actor: 'bob' });
    expect((await db.service.create(first)).key).toEqual(rotated.key);
    await db.service.update({ key: key.id, name: 'renamed', actor: 'bob' });
    expect((await db.service.create(first)).key.name).toBe('renamed');
    await db.service.revoke({ keys: [key.id], actor: 'bob' });
    expect(await db.service.create(first)).toMatchObject({
      key: { id: key.id, status: 'revoked' },
      apiKey: null,
      changed: 0,
    });
  });

  test('owners and tenants have idempotency keys of their own', async () => {
    const first = repeatable();
    const ids = new Set<string>();
    for (const more of [{}, { owner: unique('owner') }, { tenant: unique('tenant') }]) {
      const made = await db.service.create({ ...first, ...more });
      expect(made.changed).toBe(1);
      ids.add(made.key.id);
    }
    expect(ids.size).toBe(3);
  });

  test('one that failed is forgotten: the next makes the key', async () => {
    const first = repeatable();
    await expect(db.service.create(first, never)).rejects.toThrow();
    expect((await db.service.create(first)).changed).toBe(1);
  });

  test('once its key is deleted it is free again', async () => {
    const first = repeatable();
    const { key } = await db.service.create(first);
    await db.rows(`DELETE FROM apikeys.secrets WHERE key_id = '${key.id}'`);
    await db.rows(`DELETE FROM apikeys.keys WHERE id = '${key.id}'`);
    const again = await db.service.create(first);
    expect(again.changed).toBe(1);
    expect(again.key.id).not.toBe(key.id);
  });

  test.each(['', ' x', 'a\0b', 'x'.repeat(201), '\ud800', 'a\nb'])(
    '%j is refused',
    async (idempotencyKey) => {
      const before = await everything(db.rows);
      await expect(db.service.create(request({ idempotencyKey }))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
      expect(await everything(db.rows)).toEqual(before);
    },
  );
});

onServer((db) => {
  test('of many at once one makes the key, and the others get it', async () => {
    const owner = unique('owner');
    const made = await Promise.all(
      Array.from({ length: 16 }, () => db.service.create({ ...request({ owner }), idempotencyKey: 'k' })),
    );
    const [winner, ...more] = made.filter(({ changed }) => changed === 1);
    expect(more).toEqual([]);
    expect(new Set(made.map(({ key }) => key.id)).size).toBe(1);
    expect(made.filter(({ apiKey }) => apiKey !== null)).toEqual([winner]);
    expect(await secretsOf(db.rows, winner?.key.id ?? '')).toMatchObject([
      { hash: hashOf(winner?.apiKey ?? '') },
    ]);
  });

  test('of many at once with other arguments one makes the key, and the others fail', async () => {
    const owner = unique('owner');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        db.service.create({ ...request({ owner, name: `n${index}` }), idempotencyKey: 'k' }),
      ),
    );
    const codes = outcomes.map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.code));
    expect(codes.sort()).toEqual([...Array(7).fill('IDEMPOTENCY_CONFLICT'), 'done']);
  });
});
