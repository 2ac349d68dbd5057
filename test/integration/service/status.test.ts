import { beforeAll, expect, test } from 'vitest';
import { KEY_STATUSES, type Key, type KeyStatus } from '../../../src/domain/key.js';
import { eachEngine } from '../../helpers/engines.js';
import { request } from './stored.js';

const TENANT = 'population';
const PAST = `now() - interval '1 hour'`;
const FUTURE = `now() + interval '1 hour'`;

/** A way to be frozen: what its columns hold, and whether that freeze holds now. */
interface FreezeCase {
  readonly name: string;
  readonly set: string;
  readonly holds: boolean;
}

const FREEZES: readonly FreezeCase[] = [
  { name: 'not frozen', set: 'frozen_at = NULL, frozen_until = NULL', holds: false },
  { name: 'frozen', set: `frozen_at = ${PAST}, frozen_until = NULL, frozen_reason = 'r'`, holds: true },
  { name: 'frozen for an hour', set: `frozen_at = ${PAST}, frozen_until = ${FUTURE}`, holds: true },
  {
    name: 'freeze lapsed',
    set: `frozen_at = ${PAST} - interval '1 hour', frozen_until = ${PAST}`,
    holds: false,
  },
];
const EXPIRIES = [
  { name: 'without end', at: 'NULL', come: false },
  { name: 'ends later', at: FUTURE, come: false },
  { name: 'ended', at: PAST, come: true },
];
const REVOCATIONS = [
  { name: 'not revoked', at: 'NULL', is: false },
  { name: 'revoked', at: PAST, is: true },
];

/** Every combination, with the status that the rules give it: revoked, then frozen, then expired. */
const POPULATION = FREEZES.flatMap((owner) =>
  FREEZES.flatMap((own) =>
    EXPIRIES.flatMap((expiry) =>
      REVOCATIONS.map((revocation) => {
        const frozen = owner.holds || own.holds;
        const alive: KeyStatus = frozen ? 'frozen' : expiry.come ? 'expired' : 'active';
        const status: KeyStatus = revocation.is ? 'revoked' : alive;
        const name = [`owner ${owner.name}`, `key ${own.name}`, expiry.name, revocation.name].join(', ');
        return { name, owner, own, expiry, revocation, frozen, status };
      }),
    ),
  ),
);

eachEngine((db) => {
  const all = async (status?: KeyStatus): Promise<readonly Key[]> => {
    const { keys, nextCursor } = await db.service.list({ tenant: TENANT, status, limit: 1_000 });
    expect(nextCursor).toBeNull();
    return keys;
  };
  const names = (keys: readonly Key[]): string[] => keys.map(({ name }) => name).sort();

  beforeAll(async () => {
    const service = db.serviceWith({ maxKeysPerOwner: 0 });
    for (const { name, owner, own, expiry, revocation } of POPULATION) {
      const { key } = await service.create(request({ tenant: TENANT, owner: owner.name, name }));
      await db.rows(
        `UPDATE apikeys.keys SET ${own.set}, expires_at = ${expiry.at}, lifetime_ms = ${expiry.at === 'NULL' ? 'NULL' : 1}, revoked_at = ${revocation.at} WHERE id = '${key.id}'`,
      );
    }
    for (const { name, set } of FREEZES) {
      await db.rows(
        `UPDATE apikeys.owners SET ${set} WHERE owner_id = '${name}' AND tenant_id = '${TENANT}'`,
      );
    }
  });

  test('every key has the status that the rules give it', async () => {
    const found = (await all()).map(({ name, status, isFrozen }) => ({ name, status, isFrozen }));
    const expected = POPULATION.map(({ name, status, frozen }) => ({ name, status, isFrozen: frozen }));
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
    expect(found.sort(byName)).toEqual(expected.sort(byName));
  });

  test.each(KEY_STATUSES)('a list of the %s ones has all of them, once, and no other', async (status) => {
    const expected = POPULATION.filter((one) => one.status === status).map(({ name }) => name);
    expect(expected.length).toBeGreaterThan(0);
    expect(names(await all(status))).toEqual(expected.sort());
    expect(await db.service.count({ tenant: TENANT, status })).toBe(expected.length);
  });

  test.each(KEY_STATUSES)(
    'pages of the %s ones have the order of the whole list, newest first',
    async (status) => {
      const whole = (await all(status)).map(({ id }) => id);
      const paged: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await db.service.list({ tenant: TENANT, status, limit: 5, cursor });
        paged.push(...page.keys.map(({ id }) => id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(paged).toEqual(whole);
      // Of the expired ones, the newest are those that ended last: here all at one moment.
      if (status !== 'expired') {
        expect(paged).toEqual((await all()).filter((key) => key.status === status).map(({ id }) => id));
      }
    },
  );

  test('a status and an owner narrow a list together', async () => {
    const expected = POPULATION.filter(
      ({ owner, status }) => owner.name === 'freeze lapsed' && status === 'frozen',
    );
    const filter = { tenant: TENANT, owner: 'freeze lapsed', status: 'frozen' } as const;
    expect(names((await db.service.list(filter)).keys)).toEqual(expected.map(({ name }) => name).sort());
    expect(await db.service.count(filter)).toBe(expected.length);
  });

  test('a key frozen by itself shows its own freeze, a key frozen by its owner the owner’s', async () => {
    const find = (name: string): Promise<Key> => db.service.get(name);
    const own = await find('owner frozen for an hour, key frozen, without end, not revoked');
    expect(own).toMatchObject({ isFrozen: true, frozenByOwner: true, frozenUntil: null, frozenReason: 'r' });
    const byOwner = await find('owner frozen, key freeze lapsed, without end, not revoked');
    expect(byOwner).toMatchObject({
      isFrozen: true,
      frozenByOwner: true,
      frozenUntil: null,
      frozenReason: 'r',
    });
    const lapsed = await find('owner freeze lapsed, key freeze lapsed, without end, not revoked');
    expect(lapsed).toMatchObject({
      isFrozen: false,
      frozenByOwner: false,
      frozenAt: null,
      frozenReason: null,
    });
  });
});
