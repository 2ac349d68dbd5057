import { expect, test } from 'vitest';
import type { UpdateRequest } from '../../../src/service/keys/update-key.js';
import { eachEngine } from '../../helpers/engines.js';
import { events, keyChain, request } from '../service/stored.js';
import { chainFaults, everything, secretsOf } from './stored.js';

eachEngine((db) => {
  const make = async () => {
    const first = { name: 'ci', description: 'first', metadata: { team: 'core', env: 'test' } };
    return (await db.service.create(request(first))).key;
  };
  const update = (key: string, more: Partial<UpdateRequest>) =>
    db.service.update({ key, actor: 'bob', ...more });
  const details = async (id: string): Promise<unknown> =>
    JSON.parse((await events(db.rows, keyChain(id))).at(-1)?.details ?? 'null');

  const cases: [Partial<UpdateRequest>, object, object][] = [
    [{ name: 'other' }, { name: 'other' }, { name: { before: 'ci', after: 'other' } }],
    [
      { description: 'second' },
      { description: 'second' },
      { description: { before: 'first', after: 'second' } },
    ],
    [{ description: '' }, { description: null }, { description: { before: 'first', after: null } }],
    [
      { metadata: { env: 'prod', a: '1' } },
      { metadata: { a: '1', env: 'prod', team: 'core' } },
      {
        metadata: {
          before: { env: 'test', team: 'core' },
          after: { a: '1', env: 'prod', team: 'core' },
        },
      },
    ],
    [
      { metadata: { env: '', absent: '' } },
      { metadata: { team: 'core' } },
      { metadata: { before: { env: 'test', team: 'core' }, after: { team: 'core' } } },
    ],
    [
      { name: 'n', description: 'ci' },
      { name: 'n', description: 'ci', metadata: { team: 'core', env: 'test' } },
      { name: { before: 'ci', after: 'n' }, description: { before: 'first', after: 'ci' } },
    ],
  ];
  test.each(cases)('%j makes %j, and the event has both', async (terms, fields, recorded) => {
    const key = await make();
    const secrets = await secretsOf(db.rows, key.id);
    const { key: updated, changed } = await update(key.id, terms);
    expect({ changed, updated }).toEqual({ changed: 1, updated: { ...key, ...fields } });
    expect(await db.service.get(key.id)).toEqual(updated);
    expect(await details(key.id)).toEqual(recorded);
    expect((await events(db.rows, keyChain(key.id))).at(-1)).toMatchObject({
      action: 'key.updated',
      actor: 'bob',
      seq: 2,
    });
    expect(await secretsOf(db.rows, key.id)).toEqual(secrets);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test('another expiry is recorded before and after', async () => {
    const key = await make();
    const { key: updated } = await update(key.id, { expires: 'never' });
    expect(updated.expiresAt).toBeNull();
    expect(await details(key.id)).toEqual({
      expires_at: { before: key.expiresAt?.toISOString(), after: null },
      lifetime_ms: { before: 90 * 86_400_000, after: null },
    });
    const at = '2099-01-01T00:00:00.000Z';
    expect((await update(key.id, { expires: at })).key.expiresAt).toEqual(new Date(at));
    expect(await details(key.id)).toEqual({
      expires_at: { before: null, after: at },
      lifetime_ms: { before: null, after: expect.any(Number) },
    });
  });

  test('what is so already changes nothing', async () => {
    const { id } = await make();
    const at = '2099-01-01T00:00:00.000Z';
    const { key } = await update(id, { expires: at });
    const before = await everything(db.rows);
    const same: Partial<UpdateRequest>[] = [
      { name: 'ci' },
      { description: 'first' },
      { metadata: { team: 'core' } },
      { metadata: { absent: '' } },
      { metadata: {} },
      { expires: at },
      { name: 'ci', description: 'first', metadata: { env: 'test', team: 'core' }, expires: at },
      {},
    ];
    for (const terms of same) expect(await update(id, terms)).toEqual({ key, changed: 0, before: key });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('only what differs is recorded', async () => {
    const { id } = await make();
    await update(id, { name: 'ci', description: 'second', metadata: { team: 'core' } });
    expect(await details(id)).toEqual({ description: { before: 'first', after: 'second' } });
  });

  test('a description can be removed once', async () => {
    const { id } = await make();
    expect((await update(id, { description: '' })).changed).toBe(1);
    expect((await update(id, { description: '' })).changed).toBe(0);
  });

  test('a key is found by its new name, and not by the old one', async () => {
    const { id, keyPrefix } = await make();
    await update(keyPrefix, { name: 'renamed once' });
    expect((await db.service.get('renamed once')).id).toBe(id);
    expect((await db.service.list({ name: 'renamed*' })).keys.map((key) => key.id)).toEqual([id]);
  });

  test.each<Partial<UpdateRequest>>([
    { name: '' },
    { name: ' x' },
    { name: 'x'.repeat(201) },
    { name: '-' },
    { description: 'x'.repeat(2001) },
    { metadata: { '': 'x' } },
    { metadata: { a: 'x'.repeat(9000) } },
    { metadata: JSON.parse('{"__proto__":"x"}') },
  ])('%j is refused', async (terms) => {
    const { id } = await make();
    const before = await everything(db.rows);
    await expect(update(id, terms)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('metadata that grows too long by joining is refused', async () => {
    const { id } = await make();
    await update(id, { metadata: { a: 'x'.repeat(4500) } });
    const before = await everything(db.rows);
    await expect(update(id, { metadata: { b: 'x'.repeat(4500) } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('text with a secret in it is refused', async () => {
    const { key, apiKey } = await db.service.create(request());
    const secret = `see ${apiKey}`;
    const before = await everything(db.rows);
    for (const terms of [{ name: secret }, { description: secret }, { metadata: { a: secret } }]) {
      await expect(update(key.id, terms)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.not.stringContaining(apiKey ?? ''),
      });
    }
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a revoked key is refused, and key management switched off refuses all', async () => {
    const { id } = await make();
    const off = db.serviceWith({ keyManagement: false });
    await expect(off.update({ key: id, name: 'x', actor: 'bob' })).rejects.toMatchObject({
      code: 'FEATURE_DISABLED',
    });
    await db.service.revoke({ keys: [id], actor: 'eve' });
    const before = await everything(db.rows);
    for (const terms of [{ name: 'x' }, { name: 'ci' }, { expires: '7d' }]) {
      await expect(update(id, terms)).rejects.toMatchObject({ code: 'KEY_REVOKED' });
    }
    expect(await everything(db.rows)).toEqual(before);
  });

  test('when the event cannot be written, nothing is updated', async () => {
    const { id } = await make();
    await db.rows(
      `ALTER TABLE apikeys.audit_events ADD CONSTRAINT refusing CHECK (action <> 'key.updated') NOT VALID`,
    );
    const before = await everything(db.rows);
    try {
      await expect(update(id, { name: 'x' })).rejects.toMatchObject({ code: 'INTERNAL' });
    } finally {
      await db.rows('ALTER TABLE apikeys.audit_events DROP CONSTRAINT refusing');
    }
    expect(await everything(db.rows)).toEqual(before);
  });
});
