import { expect, test } from 'vitest';
import { ApiKeysError } from '../../../src/errors.js';
import type { RotatedKey } from '../../../src/service/keys/rotate-key.js';
import { eachEngine, onServer } from '../../helpers/engines.js';
import type { RotateRequest } from '../../helpers/named-caller.js';
import { withHint } from '../../helpers/with-hint.js';
import { events, keyChain, request, secretOf } from '../service/stored.js';
import { chainFaults, DAY, everything, HOUR, hashOf, secretsOf } from './stored.js';

eachEngine((db) => {
  const make = async (more = {}) => (await db.service.create(request(more))).key;
  const rotate = (key: string, more: Partial<RotateRequest> = {}) =>
    db.service.rotate({ key, actor: 'bob', ...more });

  /** Milliseconds from the latest rotation to the end of each older secret, newest first. */
  const graces = async (id: string): Promise<(number | null)[]> => {
    const [current, ...older] = await secretsOf(db.rows, id);
    const since = current?.created_at.getTime() ?? Number.NaN;
    return older.map(({ valid_until }) => valid_until && valid_until.getTime() - since);
  };

  test('a rotated key is the same key with another secret', async () => {
    const key = await make({ scopes: ['read'], metadata: { team: 'core' }, description: 'd' });
    const rotated = await rotate(key.id);
    const { keyPrefix, expiresAt, ...same } = key;
    expect(rotated.key).toMatchObject(same);
    expect(rotated.key.keyPrefix).not.toBe(keyPrefix);
    expect(rotated.apiKey).toMatch(/^rv_[0-9a-f]{64}$/);
    expect(rotated.key.keyPrefix).toBe(secretOf(rotated).slice(0, 11));
    expect(await db.service.get(key.id)).toEqual(rotated.key);
  });

  test('the new secret is current at once, and its version and prefix are on the key', async () => {
    const key = await make();
    const apiKey = secretOf(await rotate(key.id));
    const [current, older] = await secretsOf(db.rows, key.id);
    expect(current).toMatchObject({
      version: 2,
      hash: hashOf(apiKey),
      key_prefix: apiKey.slice(0, 11),
      valid_until: null,
    });
    expect(older).toMatchObject({ version: 1, key_prefix: key.keyPrefix, valid_until: expect.any(Date) });
    expect(
      await db.rows(`SELECT secret_version, key_prefix FROM apikeys.keys WHERE id = '${key.id}'`),
    ).toEqual([{ secret_version: 2, key_prefix: apiKey.slice(0, 11) }]);
  });

  test.each([
    [undefined, 24 * HOUR],
    ['30m', HOUR / 2],
    ['7d', 7 * DAY],
    ['0', 0],
  ])('with a grace of %s the older secret ends %d ms after the rotation', async (grace, ms) => {
    const key = await make();
    const { previous } = await rotate(key.id, { grace });
    expect(await graces(key.id)).toEqual([ms]);
    const [, older] = await secretsOf(db.rows, key.id);
    expect(previous).toEqual([{ version: 1, keyPrefix: key.keyPrefix, validUntil: older?.valid_until }]);
  });

  test('the configured grace takes the place of 24 hours', async () => {
    const key = await make();
    await db.serviceWith({ rotationGrace: 3 * HOUR }).rotate({ key: key.id, actor: 'bob' });
    expect(await graces(key.id)).toEqual([3 * HOUR]);
  });

  test('an older secret never outlives the expiry that the key had', async () => {
    const key = await make({ expires: '2h' });
    const { previous } = await rotate(key.id, { grace: '24h', expires: 'never' });
    expect(previous.map(({ validUntil }) => validUntil)).toEqual([key.expiresAt]);
  });

  test('an older secret that ends sooner keeps its end', async () => {
    const key = await make();
    await rotate(key.id, { grace: '1h' });
    const [, first] = await secretsOf(db.rows, key.id);
    await rotate(key.id, { grace: '7d' });
    const [, second, still] = await secretsOf(db.rows, key.id);
    expect(still).toEqual(first);
    expect((await graces(key.id))[0]).toBe(7 * DAY);
    expect(second?.version).toBe(2);
  });

  test('an older secret that would end later ends with the new grace', async () => {
    const key = await make();
    await rotate(key.id, { grace: '7d' });
    await rotate(key.id, { grace: '1h' });
    expect(await graces(key.id)).toEqual([HOUR, HOUR]);
  });

  test('a secret that has ended is left as it is, and is not among the previous', async () => {
    const key = await make();
    await rotate(key.id, { grace: '0' });
    const [, ended] = await secretsOf(db.rows, key.id);
    const { previous } = await rotate(key.id, { grace: '7d' });
    expect((await secretsOf(db.rows, key.id))[2]).toEqual(ended);
    expect(previous.map(({ version }) => version)).toEqual([2]);
  });

  test('a third live secret is made and a fourth is not, and leaves nothing', async () => {
    const key = await make();
    await rotate(key.id);
    await rotate(key.id);
    const before = await everything(db.rows);
    await expect(withHint(rotate(key.id))).rejects.toMatchObject({
      code: 'TOO_MANY_SECRETS',
      hint: expect.stringContaining('--grace 0'),
    });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a grace of 0 makes room by ending all older ones now', async () => {
    const key = await make();
    await rotate(key.id);
    await rotate(key.id, { grace: '7d' });
    const { previous } = await rotate(key.id, { grace: '0' });
    expect(previous.map(({ version }) => version)).toEqual([3, 2, 1]);
    expect(await graces(key.id)).toEqual([0, 0, 0]);
    await rotate(key.id);
    await rotate(key.id);
    await expect(rotate(key.id)).rejects.toMatchObject({ code: 'TOO_MANY_SECRETS' });
  });

  test('secrets that have ended by themselves make room', async () => {
    const key = await make();
    await rotate(key.id);
    await rotate(key.id);
    await db.rows(
      `UPDATE apikeys.secrets SET valid_until = now() - interval '1 second' WHERE key_id = '${key.id}' AND version = 1`,
    );
    expect((await rotate(key.id)).previous.map(({ version }) => version)).toEqual([3, 2]);
  });

  test('the prefix of a secret that has ended still finds its key', async () => {
    const key = await make();
    const { key: once } = await rotate(key.keyPrefix, { grace: '0' });
    const { key: twice } = await rotate(key.keyPrefix, { grace: '0' });
    expect(twice.id).toBe(key.id);
    for (const prefix of [key.keyPrefix, once.keyPrefix, twice.keyPrefix]) {
      expect((await db.service.get(prefix)).id).toBe(key.id);
    }
  });

  test('a key has one current secret: the database refuses another', async () => {
    const { id } = await make();
    const second = db.rows(
      `INSERT INTO apikeys.secrets (hash, key_id, version, key_prefix, created_at)
       SELECT sha256(hash), key_id, 2, key_prefix, created_at FROM apikeys.secrets WHERE key_id = '${id}'`,
    );
    await expect(second).rejects.toMatchObject({ code: '23505', constraint: 'secrets_current_idx' });
  });

  test('a rotation writes one event that names versions, prefixes and ends, and no secret', async () => {
    const key = await make();
    const { key: rotated, previous, apiKey } = await rotate(key.id);
    const chain = await events(db.rows, keyChain(key.id));
    expect(chain.map(({ action }) => action)).toEqual(['key.created', 'key.rotated']);
    expect(chain[1]).toMatchObject({ seq: 2, actor: 'bob', ownerId: key.ownerId, reason: null });
    expect(JSON.parse(chain[1]?.details ?? '')).toEqual({
      version: 2,
      key_prefix: rotated.keyPrefix,
      previous: [
        { version: 1, key_prefix: key.keyPrefix, valid_until: previous[0]?.validUntil.toISOString() },
      ],
      expires_at: rotated.expiresAt?.toISOString(),
      expires_at_before: key.expiresAt?.toISOString(),
      lifetime_ms: 90 * 86_400_000,
      secret_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(chain[1]?.details).not.toContain(apiKey);
    expect(await chainFaults(db.rows)).toEqual([]);
  });

  test.each(['-1h', '1', '1M', 'never', '', '0h '])('a grace of %j is refused', async (grace) => {
    const key = await make();
    const before = await everything(db.rows);
    await expect(rotate(key.id, { grace })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('a key that is not there cannot be rotated', async () => {
    await expect(rotate('rv_ffffffff')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    const key = await make({ tenant: 'blue' });
    await expect(rotate(key.id, { tenant: 'green' })).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  const refused: [string, string, (id: string) => Promise<unknown>][] = [
    ['revoked', 'KEY_REVOKED', (id) => db.service.revoke({ keys: [id], actor: 'eve' })],
  ];
  test.each(refused)('a key that is %s is refused, and stays as it is', async (_state, code, stop) => {
    const key = await make();
    await stop(key.id);
    const before = await everything(db.rows);
    let reveals = 0;
    const reveal = async () => {
      reveals++;
    };
    await expect(db.service.rotate({ key: key.id, actor: 'bob' }, reveal)).rejects.toMatchObject({ code });
    expect(reveals).toBe(0);
    expect(await everything(db.rows)).toEqual(before);
  });

  test.each<[string, (id: string, owner: string) => Promise<unknown>, boolean]>([
    ['frozen', (id) => db.service.freeze({ keys: [id], reason: 'leak', actor: 'eve' }), false],
    ['frozen for a while', (id) => db.service.freeze({ keys: [id], until: '1h', actor: 'eve' }), false],
    ['frozen with its owner', (_, owner) => db.service.freezeOwner({ owner, actor: 'eve' }), true],
  ])(
    'a key that is %s is rotated and stays so, and unfreeze lifts its own freeze alone',
    async (_how, stop, byOwner) => {
      const key = await make();
      await stop(key.id, key.ownerId);
      const { frozenAt, frozenUntil, frozenReason } = await db.service.get(key.id);
      const rotated = await rotate(key.id);
      expect(rotated.key).toMatchObject({ status: 'frozen', frozenAt, frozenUntil, frozenReason });
      const lifted = await rotate(key.id, { unfreeze: true });
      expect(lifted.key).toMatchObject({ status: byOwner ? 'frozen' : 'active', frozenByOwner: byOwner });
      expect(await chainFaults(db.rows)).toEqual([]);
      const { broken } = await db.service.verifyAudit();
      expect(broken.filter(({ keyId }) => keyId === key.id)).toEqual([]);
    },
  );

  test('what was frozen never works again: unfreeze ends the older secrets, in one transaction', async () => {
    const created = await db.service.create(request());
    const { id } = created.key;
    await db.service.freeze({ keys: [id], actor: 'eve' });
    let frozenYet: unknown;
    const reveal = async () => {
      frozenYet = (await db.service.verify(secretOf(created)).catch(() => null))?.code;
    };
    const rotated = await db.service.rotate(
      { key: id, unfreeze: true, actor: 'bob' },
      db.kind === 'server' ? reveal : undefined,
    );
    if (db.kind === 'server') expect(frozenYet).toBe('FROZEN');
    expect((await db.service.verify(secretOf(created))).code).toBe('RETIRED');
    expect((await db.service.verify(secretOf(rotated))).code).toBe('VALID');
    expect((await events(db.rows, keyChain(id))).map(({ action }) => action)).toEqual([
      'key.created',
      'key.frozen',
      'key.rotated',
      'key.unfrozen',
    ]);
    await db.service.freeze({ keys: [id], actor: 'eve' });
    const { previous } = await rotate(id, { unfreeze: true, grace: '1h' });
    expect(previous.map(({ validUntil }) => validUntil.getTime() > Date.now())).toEqual([true]);
  });

  test('unfreeze changes nothing of a key that is not frozen: the grace is the configured one', async () => {
    const key = await make();
    await rotate(key.id, { unfreeze: true });
    expect(await graces(key.id)).toEqual([24 * HOUR]);
    expect((await events(db.rows, keyChain(key.id))).map(({ action }) => action)).toEqual([
      'key.created',
      'key.rotated',
    ]);
  });

  test('a repetition with the same idempotency key makes no second secret', async () => {
    const key = await make();
    const once = { idempotencyKey: 'run-1', grace: '1h' };
    const first = await rotate(key.id, once);
    expect(first).toMatchObject({ changed: 1, apiKey: expect.stringMatching(/^rv_/) });
    const before = await everything(db.rows);
    const never = async () => {
      throw new Error('revealed');
    };
    expect(
      await db.service.rotate({ key: key.keyPrefix, actor: 'carol', ...once, grace: '60m' }, never),
    ).toEqual({
      key: first.key,
      apiKey: null,
      previous: [],
      lifetimeCut: null,
      changed: 0,
    });
    expect(await everything(db.rows)).toEqual(before);
    for (const other of [{ grace: '2h' }, { grace: undefined }, { expires: 'never' }, { unfreeze: true }]) {
      await expect(rotate(key.id, { ...once, ...other })).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      });
    }
    expect(await everything(db.rows)).toEqual(before);
    const next = await rotate(key.id, { ...once, idempotencyKey: 'run-2' });
    expect(next.changed).toBe(1);
    // Also when it is not the last one, and before everything that would refuse it.
    await db.service.revoke({ keys: [key.id], actor: 'eve' });
    expect(await rotate(key.id, once)).toMatchObject({ changed: 0, key: { status: 'revoked' } });
    const other = await make();
    expect(await rotate(other.id, once)).toMatchObject({ changed: 1 });
  });

  test('one that failed is forgotten, and a secret as idempotency key is refused', async () => {
    const key = await make();
    const once = { key: key.id, actor: 'bob', idempotencyKey: 'run-1' };
    await expect(
      db.service.rotate(once, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow();
    const { apiKey, changed } = await db.service.rotate(once);
    expect(changed).toBe(1);
    for (const idempotencyKey of [apiKey ?? '', '', ' x', 'a\nb']) {
      await expect(db.service.rotate({ ...once, idempotencyKey })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    }
  });

  test('a freeze that has lapsed hinders nobody', async () => {
    const key = await make();
    const lapsed = `frozen_at = now() - interval '2 h', frozen_until = now() - interval '1 h'`;
    await db.rows(`UPDATE apikeys.keys SET ${lapsed} WHERE id = '${key.id}'`);
    await db.rows(`UPDATE apikeys.owners SET ${lapsed} WHERE owner_id = '${key.ownerId}'`);
    expect((await rotate(key.id)).key.status).toBe('active');
  });

  test('with key management switched off nothing is rotated', async () => {
    const key = await make();
    const off = db.serviceWith({ keyManagement: false });
    const before = await everything(db.rows);
    await expect(off.rotate({ key: key.id, actor: 'bob' })).rejects.toMatchObject({
      code: 'FEATURE_DISABLED',
    });
    expect(await everything(db.rows)).toEqual(before);
  });

  test('the secret is revealed once, as it is returned', async () => {
    const key = await make();
    const revealed: RotatedKey[] = [];
    const rotated = await db.service.rotate({ key: key.id, actor: 'bob' }, async (made) => {
      revealed.push(made);
    });
    expect(revealed).toEqual([rotated]);
  });

  test('when the new secret cannot be shown, the old one stays current', async () => {
    const key = await make();
    const before = await everything(db.rows);
    const failed = db.service.rotate({ key: key.id, actor: 'bob', grace: '0' }, async () => {
      throw new ApiKeysError('OUTPUT_FAILED', 'the disk is full');
    });
    await expect(failed).rejects.toMatchObject({ code: 'OUTPUT_FAILED', message: 'the disk is full' });
    expect(await everything(db.rows)).toEqual(before);
    expect((await rotate(key.id)).key.id).toBe(key.id);
  });

  test('when the event cannot be written, nothing is rotated', async () => {
    const key = await make();
    await db.rows(
      `ALTER TABLE apikeys.audit_events ADD CONSTRAINT refusing CHECK (action <> 'key.rotated') NOT VALID`,
    );
    const before = await everything(db.rows);
    try {
      await expect(rotate(key.id)).rejects.toMatchObject({ code: 'INTERNAL', sqlState: '23514' });
    } finally {
      await db.rows('ALTER TABLE apikeys.audit_events DROP CONSTRAINT refusing');
    }
    expect(await everything(db.rows)).toEqual(before);
  });
});

onServer((db) => {
  test('while the new secret is revealed, the old one is still current for everyone else', async () => {
    const { key } = await db.service.create(request());
    let seen: unknown;
    await db.service.rotate({ key: key.id, actor: 'bob', grace: '0' }, async () => {
      seen = await db.database.query('SELECT version, valid_until FROM apikeys.secrets WHERE key_id = $1', [
        key.id,
      ]);
    });
    expect(seen).toEqual([{ version: 1, valid_until: null }]);
  });

  test('a rotation that is run again reveals the same secret, and only once', async () => {
    const { key } = await db.service.create(request());
    await db.database.query(`
      CREATE SEQUENCE attempts;
      CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF nextval('public.attempts') = 1 THEN RAISE 'once' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER fail_once AFTER INSERT ON apikeys.audit_events
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_once()`);
    try {
      const revealed: string[] = [];
      const { apiKey } = await db.service.rotate({ key: key.id, actor: 'bob' }, async (made) => {
        revealed.push(made.apiKey);
      });
      expect(revealed).toEqual([apiKey]);
      expect(await secretsOf(db.rows, key.id)).toMatchObject([
        { version: 2, hash: hashOf(apiKey ?? '') },
        {},
      ]);
    } finally {
      await db.database.query('DROP FUNCTION fail_once CASCADE; DROP SEQUENCE attempts');
    }
  });
});
