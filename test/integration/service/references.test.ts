import { expect, test } from 'vitest';
import { openServer } from '../../../src/db/server/server.js';
import { serverSettings } from '../../../src/db/server/server-settings.js';
import { makeSecret } from '../../../src/domain/secret.js';
import { ApiKeysError } from '../../../src/errors.js';
import { DEFAULT_SETTINGS } from '../../../src/service/settings.js';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { testKeysOn } from '../../helpers/named-caller.js';
import { startProxy } from '../../helpers/wire-proxy.js';
import { request, secretOf, unique } from './stored.js';

eachEngine((db) => {
  /** The ids of the keys that several references mean, as a command on several keys reads them. */
  const resolve = async (
    keys: readonly string[],
    more: { readonly tenant?: string; readonly ignoreMissing?: boolean } = {},
  ): Promise<string[]> => {
    const { keys: found } = await db.service.revoke({ keys, ...more, dryRun: true, actor: 'tester' });
    return found.map(({ id }) => id);
  };

  test.each([
    ['its id', (key) => key.id],
    ['its id in capitals', (key) => key.id.toUpperCase()],
    ['its key prefix', (key) => key.keyPrefix],
    ['its name', (key) => key.name],
    ['its name, decomposed', (key) => key.name.normalize('NFD')],
    ['its name, composed', (key) => key.name.normalize('NFC')],
  ] satisfies readonly (readonly [
    string,
    (key: { id: string; keyPrefix: string; name: string }) => string,
  ])[])('a key is found by %s', async (_how, reference) => {
    const { key } = await db.service.create(request({ name: unique('Café é') }));
    expect(await db.service.get(reference(key))).toEqual(key);
  });

  test('a key is found by the prefix of an older secret that is kept', async () => {
    const { key } = await db.service.create(request());
    await db.rows(
      `INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at, valid_until)
       SELECT sha256('old'), id, 2, 'rv_0ld0ld00', created_at, created_at FROM apikeys.keys WHERE id = '${key.id}'`,
    );
    expect((await db.service.get('rv_0ld0ld00')).id).toBe(key.id);
  });

  test('names are matched whole and as they are written', async () => {
    const name = unique('Deploy%');
    await db.service.create(request({ name }));
    for (const reference of [name.toLowerCase(), 'Deploy%', 'Deploy', `${name} `]) {
      await expect(db.service.get(reference)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    }
  });

  test('several references give each key once, in their order', async () => {
    const one = (await db.service.create(request())).key;
    const two = (await db.service.create(request())).key;
    expect(await resolve([two.id, one.keyPrefix, two.keyPrefix, one.id])).toEqual([two.id, one.id]);
  });

  test('an ambiguous name is refused, and the candidates are named', async () => {
    const name = unique('twin');
    const made = [
      await db.service.create(request({ name, tenant: unique('tenant') })),
      await db.service.create(request({ name })),
    ];
    for (const look of [() => db.service.get(name), () => db.service.show(name), () => resolve([name])]) {
      const error: unknown = await look().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'KEY_AMBIGUOUS' });
      for (const { key } of made) expect(String(error)).toContain(key.keyPrefix);
      const { candidates = [] } = error instanceof ApiKeysError ? error.details : {};
      expect(candidates).toHaveLength(made.length);
      for (const { key } of made) {
        expect(candidates).toContainEqual({
          id: key.id,
          keyPrefix: key.keyPrefix,
          name,
          owner: key.ownerId,
          tenant: key.tenantId,
          status: 'active',
          createdAt: key.createdAt,
          lastUsedAt: null,
        });
      }
    }
  });

  test.each([4, 5, 7, 8, 9, 15, 23])(
    'a key is found by %i digits of its secret, old or new',
    async (digits) => {
      const created = await db.service.create(request());
      const rotated = await db.service.rotate({ key: created.key.id, grace: '0', actor: 'bob' });
      for (const secret of [secretOf(created), rotated.apiKey ?? '']) {
        const piece = secret.slice(0, 3 + digits);
        // Of hundreds of keys some may begin alike.
        const found = await db.service.get(piece).catch((error: unknown) => error);
        if (found instanceof ApiKeysError && digits < 8) expect(found.code).toBe('KEY_AMBIGUOUS');
        else expect(found).toMatchObject({ id: created.key.id });
        expect(await db.service.get(piece.toUpperCase().replace('RV_', 'rv_')).catch(() => found)).toEqual(
          found,
        );
      }
    },
  );

  test('three digits are no prefix, and neither is a piece from the middle', async () => {
    const secret = secretOf(await db.service.create(request()));
    for (const piece of [secret.slice(0, 6), secret.slice(3, 14), `rv_${secret.slice(5, 13)}`]) {
      await expect(db.service.get(piece)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    }
  });

  test('digits that two keys begin with are ambiguous, though one of them has ended', async () => {
    const one = (await db.service.create(request())).key;
    const two = (await db.service.create(request())).key;
    await db.rows(
      `UPDATE apikeys.secrets SET key_prefix = 'zz_abcd' || version || 'f00' WHERE key_id = '${one.id}'`,
    );
    await db.rows(`UPDATE apikeys.secrets SET key_prefix = 'zz_abcdef00' WHERE key_id = '${two.id}'`);
    await db.service.revoke({ keys: [two.id], actor: 'bob' });
    await expect(db.service.get('zz_abcd')).rejects.toMatchObject({ code: 'KEY_AMBIGUOUS' });
    expect((await db.service.get('zz_abcd1')).id).toBe(one.id);
    expect((await db.service.get('zz_abcde')).id).toBe(two.id);
  });

  test('of a name that was used again, its only live key is meant, however many have ended', async () => {
    const name = unique('again');
    const ended: string[] = [];
    for (let i = 0; i < 8; i++) {
      const { key } = await db.service.create(request({ name }));
      await db.service.revoke({ keys: [key.id], actor: 'bob' });
      ended.push(key.id);
    }
    await expect(db.service.get(name)).rejects.toMatchObject({ code: 'KEY_AMBIGUOUS' });
    const { key } = await db.service.create(request({ name }));
    expect((await db.service.get(name)).id).toBe(key.id);
    expect((await db.service.show(name)).ended).toBeGreaterThan(0);
    expect((await db.service.rotate({ key: name, actor: 'bob' })).key.id).toBe(key.id);
    expect((await db.service.freeze({ keys: [name], actor: 'bob' })).keys.map(({ id }) => id)).toEqual([
      key.id,
    ]);
    expect((await db.service.unfreeze({ keys: [name, key.id], actor: 'bob' })).changed).toBe(1);
    expect(await resolve([name, ended[0] ?? ''])).toEqual([key.id, ended[0]]);
  });

  test('an owner narrows a name, and nothing of another owner is found', async () => {
    const name = unique('shared');
    const [alice, bob] = [unique('alice'), unique('bob')];
    const made = await Promise.all([alice, bob].map((owner) => db.service.create(request({ name, owner }))));
    await expect(db.service.update({ key: name, description: 'x', actor: 'eve' })).rejects.toMatchObject({
      code: 'KEY_AMBIGUOUS',
    });
    const { keys } = await db.service.freeze({ keys: [name], owner: bob, actor: 'eve' });
    expect(keys.map(({ id }) => id)).toEqual([made[1]?.key.id]);
    await expect(
      db.service.freeze({ keys: [made[0]?.key.id ?? ''], owner: bob, actor: 'eve' }),
    ).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  test('a raw key that is said to be one means its key, also an older one and in whatever is around it', async () => {
    const created = await db.service.create(request());
    const { apiKey } = await db.service.rotate({ key: created.key.id, actor: 'bob' });
    for (const rawKey of [secretOf(created), apiKey ?? '', `Authorization: Bearer ${apiKey}\n`]) {
      expect(await db.service.usage({ key: { rawKey } })).toMatchObject({ keyId: created.key.id });
      expect(
        (await db.service.revoke({ keys: [{ rawKey }], dryRun: true, actor: 'bob' })).keys,
      ).toMatchObject([{ id: created.key.id }]);
    }
    const elsewhere = { keys: [{ rawKey: secretOf(created) }], tenant: unique('tenant'), actor: 'bob' };
    await expect(db.service.revoke(elsewhere)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  test('what is wrong with a raw key is said, with the prefix that may find it', async () => {
    const secret = secretOf(await db.service.create(request()));
    const mistyped = `${secret.slice(0, 40)}${secret[40] === '0' ? '1' : '0'}${secret.slice(41)}`;
    const other = secretOf(await db.service.create(request()));
    for (const [rawKey, code, reason, words] of [
      [secret.slice(0, 30), 'KEY_NOT_FOUND', 'key_cut', '30 of 67 characters'],
      [mistyped, 'KEY_NOT_FOUND', 'key_mistyped', 'checksum'],
      [`${secret} ${other}`, 'INVALID_INPUT', 'several_keys_in_text', 'more than one'],
      ['good morning', 'INVALID_INPUT', 'no_key_in_text', 'no raw key'],
      ['', 'INVALID_INPUT', 'no_key_in_text', 'no raw key'],
    ] as const) {
      const error: unknown = await db.service
        .freeze({ keys: [{ rawKey }], actor: 'bob' })
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code, details: { reason }, message: expect.stringContaining(words) });
      expect(JSON.stringify([error, String(error)])).not.toContain(secret.slice(12, 24));
    }
  });

  test('of very many candidates a few are named', async () => {
    const name = unique('crowd');
    for (let i = 0; i < 8; i++) await db.service.create(request({ name }));
    const error: unknown = await db.service.get(name).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/and more/);
    expect(String(error).length).toBeLessThan(1_500);
  });

  test('an id means its key, though another key is named like it', async () => {
    const { key } = await db.service.create(request());
    await db.service.create(request({ name: key.id }));
    expect((await db.service.get(key.id)).id).toBe(key.id);
    expect((await db.service.get(key.id.toUpperCase())).id).toBe(key.id);
  });

  test('a prefix that is also the name of another key is ambiguous', async () => {
    const { key } = await db.service.create(request());
    await db.service.create(request({ name: key.keyPrefix }));
    await expect(db.service.get(key.keyPrefix)).rejects.toMatchObject({ code: 'KEY_AMBIGUOUS' });
  });

  test('confined to a tenant, a key of another one is not found by any reference', async () => {
    const tenant = unique('tenant');
    const { key } = await db.service.create(request({ tenant, name: unique('name') }));
    for (const reference of [key.id, key.keyPrefix, key.name]) {
      expect((await db.service.get(reference, tenant)).id).toBe(key.id);
      for (const look of [
        () => db.service.get(reference, 'default'),
        () => db.service.show(reference, 'default'),
        () => resolve([reference], { tenant: 'default' }),
      ]) {
        await expect(look()).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      }
    }
  });

  test('confined to a tenant, a name is not ambiguous because of another tenant', async () => {
    const tenant = unique('tenant');
    const name = unique('twin');
    const { key } = await db.service.create(request({ tenant, name }));
    await db.service.create(request({ name }));
    expect((await db.service.get(name, tenant)).id).toBe(key.id);
  });

  test('all references that mean no key are named together, unless they may be missing', async () => {
    const { key } = await db.service.create(request());
    const references = ['nobody', key.id, 'rv_00000000'];
    await expect(resolve(references)).rejects.toMatchObject({
      code: 'KEY_NOT_FOUND',
      message: expect.stringMatching(/"nobody", "rv_00000000"/),
    });
    expect(await resolve(references, { ignoreMissing: true })).toEqual([key.id]);
  });

  test.each([
    ['empty', ''],
    ['with a NUL', 'a\0b'],
    ['with half a surrogate pair', 'a\ud800'],
    ['of 10 kB', 'a'.repeat(10_240)],
    ['of 10 kB in combining marks', `e${'\u0301'.repeat(5_000)}`],
  ])('a reference %s is refused', async (_what, reference) => {
    for (const look of [db.service.get, db.service.show]) {
      await expect(look(reference)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  test.each([
    `' OR ''='`,
    '%',
    '$1',
    '\u001b[31m',
    '../..',
    '__proto__',
    '{}',
    '00000000-0000-0000-0000-000000000000',
    '00000000-0000-0000-0000-00000000000g',
  ])('a reference of %j means no key', async (reference) => {
    await expect(db.service.get(reference)).rejects.toMatchObject({
      code: 'KEY_NOT_FOUND',
      message: expect.not.stringMatching(/\p{Cc}/u),
    });
  });

  test.each([
    ['a secret', makeSecret('rv_', 32)],
    ['a secret of another prefix', makeSecret('acme-', 24)],
    ['a mistyped secret', `${makeSecret('rv_', 32).slice(0, -1)}x`],
    ['a secret in capitals', makeSecret('rv_', 32).toUpperCase()],
    ['a secret in white space', ` ${makeSecret('rv_', 32)}\n`],
  ])('%s as a reference is refused and not repeated', async (_what, secret) => {
    for (const look of [
      () => db.service.get(secret),
      () => db.service.show(secret),
      () => resolve(['ci', secret]),
      () => db.service.revoke({ keys: [secret], actor: 'bob' }),
    ]) {
      const error: unknown = await look().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'SECRET_IN_ARGUMENT' });
      expect(JSON.stringify([error, String(error)])).not.toContain(secret.trim().slice(12, 30));
    }
  });
});

onServer((db) => {
  test('a secret given as a reference is never sent to the database', async () => {
    const { hostname, port } = new URL(db.database.url);
    const proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
    const service = testKeysOn(
      openServer({ settings: serverSettings(proxy.url(db.database.url), {}), timeouts: db.engine.timeouts }),
      DEFAULT_SETTINGS,
    );
    try {
      const created = await service.create(request());
      const { key } = created;
      const apiKey = secretOf(created);
      await service.get(key.keyPrefix);
      await service.revoke({ keys: [apiKey], actor: 'bob' }).catch(() => undefined);
      await service.show(apiKey).catch(() => undefined);
      const sent = proxy.transcript.map(({ bytes }) => bytes.toString('latin1')).join('\n');
      expect(sent).toContain(key.keyPrefix);
      expect(sent).not.toContain(apiKey.slice(key.keyPrefix.length));
    } finally {
      await service.close();
      await proxy.close();
    }
  });
});
