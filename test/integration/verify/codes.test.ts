import { beforeAll, describe, expect, test } from 'vitest';
import { CHECKS, type VerifyCode } from '../../../src/domain/verification.js';
import { eachEngine } from '../../helpers/engines.js';
import { makeKey, unique, verifierOn } from './verifiers.js';

const PAST = `now() - interval '1 hour'`;
const FUTURE = `now() + interval '1 hour'`;

const FREEZES = [
  { name: 'not frozen', set: 'frozen_at = NULL, frozen_until = NULL', holds: false },
  { name: 'frozen', set: `frozen_at = ${PAST}, frozen_until = NULL`, holds: true },
  { name: 'frozen for an hour', set: `frozen_at = ${PAST}, frozen_until = ${FUTURE}`, holds: true },
  {
    name: 'freeze lapsed',
    set: `frozen_at = ${PAST} - interval '1 hour', frozen_until = ${PAST}`,
    holds: false,
  },
];
const YES_NO = [true, false];

interface Case {
  readonly name: string;
  readonly owner: (typeof FREEZES)[number];
  readonly own: (typeof FREEZES)[number];
  readonly revoked: boolean;
  readonly retired: boolean;
  readonly expired: boolean;
  readonly code: VerifyCode;
}

/** Every combination, with the code that comes first: what is final, the kill switch, the secret's end, the key's. */
const CASES: Case[] = FREEZES.flatMap((owner) =>
  FREEZES.flatMap((own) =>
    YES_NO.flatMap((revoked) =>
      YES_NO.flatMap((retired) =>
        YES_NO.map((expired): Case => {
          const ends = retired ? 'RETIRED' : expired ? 'EXPIRED' : 'VALID';
          const code = revoked ? 'REVOKED' : owner.holds || own.holds ? 'FROZEN' : ends;
          const name = `owner ${owner.name}, key ${own.name}, ${JSON.stringify({ revoked, retired, expired })}`;
          return { name, owner, own, revoked, retired, expired, code };
        }),
      ),
    ),
  ),
);

eachEngine((db) => {
  describe('every combination of what can be wrong with a key', () => {
    const raws = new Map<Case, string>();

    beforeAll(async () => {
      const service = db.serviceWith({ maxKeysPerOwner: 0 });
      for (const one of CASES) {
        const { id, raw } = await makeKey({ service }, { owner: one.owner.name, scopes: ['read'] });
        raws.set(one, raw);
        if (one.retired) await service.rotate({ key: id, grace: '0', actor: 'test' });
        await db.rows(`UPDATE apikeys.keys
          SET ${one.own.set}, revoked_at = ${one.revoked ? PAST : 'NULL'}, expires_at = ${one.expired ? PAST : FUTURE}
          WHERE id = '${id}'`);
      }
      for (const { name, set } of FREEZES)
        await db.rows(`UPDATE apikeys.owners SET ${set} WHERE owner_id = '${name}'`);
    });

    test('has the code that comes first, one by one and all at once', async () => {
      const verifier = verifierOn(db.engine);
      const expected = CASES.map(({ name, code }) => [name, code]);
      const together = await Promise.all(CASES.map((one) => verifier.verify(raws.get(one) ?? '')));
      expect(CASES.map(({ name }, n) => [name, together[n]?.code])).toEqual(expected);
      const alone = [];
      for (const one of CASES) alone.push([one.name, (await verifier.verify(raws.get(one) ?? '')).code]);
      expect(alone).toEqual(expected);
      for (const { valid, code, key } of together) {
        expect(valid).toBe(code === 'VALID');
        expect(key).not.toBeNull();
      }
    });

    test('is explained by the same code, with every check answered by itself', async () => {
      const verifier = verifierOn(db.engine);
      for (const one of CASES) {
        const { code, checks } = await verifier.explain(raws.get(one) ?? '', { scopes: ['write'] });
        expect([one.name, code]).toEqual([one.name, one.code === 'VALID' ? 'INSUFFICIENT_SCOPE' : one.code]);
        expect(Object.fromEntries(checks.map(({ check, passed }) => [check, passed]))).toEqual({
          format: true,
          checksum: true,
          known: true,
          'not-revoked': !one.revoked,
          'not-frozen': !(one.owner.holds || one.own.holds),
          'not-retired': !one.retired,
          'not-expired': !one.expired,
          scopes: false,
        });
      }
    });
  });

  test('a valid key comes with what an application needs of it', async () => {
    const metadata = { team: 'core', note: 'a "quoted" \\ {brace}, é' };
    const made = await makeKey(db, { scopes: ['orders:*', 'null', 'read'], name: 'Ünï, {"x"}', metadata });
    const found = await verifierOn(db.engine).verify(made.raw, { scopes: ['orders:write', 'null'] });
    expect(found).toEqual({
      valid: true,
      code: 'VALID',
      missingScopes: [],
      oldSecret: false,
      key: {
        id: made.id,
        tenantId: 'default',
        ownerId: made.owner,
        name: 'Ünï, {"x"}',
        keyPrefix: made.raw.slice(0, 11),
        scopes: ['null', 'orders:*', 'read'],
        metadata,
        expiresAt: (await db.service.get(made.id)).expiresAt,
      },
    });
    const many = await Promise.all(Array.from({ length: 20 }, () => verifierOn(db.engine).verify(made.raw)));
    for (const one of many) expect(one).toEqual(found);
  });

  test('scopes come last, and the missing ones are named', async () => {
    const { raw, id } = await makeKey(db, { scopes: ['read', 'orders:*'] });
    const verifier = verifierOn(db.engine);
    const scopes = ['orders:write', 'users:read', 'read', 'admin'];
    expect(await verifier.verify(raw, { scopes })).toMatchObject({
      valid: false,
      code: 'INSUFFICIENT_SCOPE',
      missingScopes: ['admin', 'users:read'],
      key: { id },
    });
    await db.service.freeze({ keys: [id], actor: 'test' });
    expect(await verifier.verify(raw, { scopes })).toMatchObject({ code: 'FROZEN', missingScopes: [] });
  });

  test('an explanation is the answer of verify, with every check there is in their order', async () => {
    const { raw } = await makeKey(db, { tenant: unique('tenant') });
    const verifier = verifierOn(db.engine);
    const names = CHECKS.map(({ check }) => check);
    for (const [text, tenant, reached] of [
      [raw, undefined, names.length],
      ['rv_unknown', undefined, 3],
      [raw, 'of-another', 3],
      ['', undefined, 1],
    ] as const) {
      const { keyId, checks, ...answer } = await verifier.explain(text, { tenant, scopes: ['write'] });
      expect(answer).toEqual(await verifier.verify(text, { tenant, scopes: ['write'] }));
      expect(keyId).toBe(answer.key?.id ?? null);
      const expected = names.filter((name) => tenant !== undefined || name !== 'tenant');
      expect(checks.map(({ check }) => check)).toEqual(expected);
      const skipped = checks.slice(reached);
      for (const check of skipped) expect(check).toMatchObject({ passed: null, detail: 'not reached' });
    }
  });

  test('options that make no sense are refused, whatever the key', async () => {
    const verifier = verifierOn(db.engine);
    await expect(verifier.verify('', { scopes: ['not a scope'] })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(verifier.verify('', { spendCents: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(verifier.verify('', { spendCents: 0.5 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('a key of another tenant is not found, and nothing of it is told', async () => {
    const [ours, theirs] = [unique('tenant'), unique('tenant')];
    const { raw } = await makeKey(db, { tenant: theirs });
    const verifier = verifierOn(db.engine);
    expect(await verifier.verify(raw, { tenant: theirs })).toMatchObject({ code: 'VALID' });
    expect(await verifier.verify(raw)).toMatchObject({ code: 'VALID' });
    const unknown = await verifier.verify('rv_unknown', { tenant: ours });
    expect(unknown).toMatchObject({ valid: false, code: 'NOT_FOUND', key: null });
    expect(await verifier.verify(raw, { tenant: ours })).toEqual(unknown);
    const { code, keyId } = await verifier.explain(raw, { tenant: ours });
    expect([code, keyId]).toEqual(['NOT_FOUND', null]);
  });

  test('older secrets are valid within the grace period, and say that they are old', async () => {
    const { raw, id } = await makeKey(db);
    const verifier = verifierOn(db.engine);
    const { apiKey } = await db.service.rotate({ key: id, actor: 'test' });
    expect(await verifier.verify(raw)).toMatchObject({ code: 'VALID', oldSecret: true, key: { id } });
    expect(await verifier.verify(apiKey ?? '')).toMatchObject({ code: 'VALID', oldSecret: false });
    await db.service.endGrace({ key: id, actor: 'test' });
    expect(await verifier.verify(raw)).toMatchObject({ code: 'RETIRED', oldSecret: true });
    expect(await verifier.verify(apiKey ?? '')).toMatchObject({ code: 'VALID' });
  });

  test('a mistyped and a truncated key are told apart without naming a digit of them', async () => {
    const { raw } = await makeKey(db);
    const verifier = verifierOn(db.engine);
    const mistyped = `${raw.slice(0, 20)}${raw[20] === '0' ? '1' : '0'}${raw.slice(21)}`;
    const tried = [
      [raw, true, 'right'],
      [mistyped, false, 'mistyped'],
      [raw.slice(0, -3), false, '64 of 67 characters'],
      [`${raw}0`, false, 'mistyped'],
      ['sk-other-shape', null, 'not shaped'],
    ] as const;
    for (const [text, passed, words] of tried) {
      const { checks } = await verifier.explain(text);
      const checksum = checks.find(({ check }) => check === 'checksum');
      expect(checksum).toMatchObject({ passed, detail: expect.stringContaining(words) });
      expect(JSON.stringify(checks)).not.toContain(text.slice(3, 15));
    }
    expect(await verifier.explain('a\nb')).toMatchObject({ code: 'MALFORMED', keyId: null });
  });
});
