import { v7 as uuidv7 } from 'uuid';
import { beforeAll, expect, test } from 'vitest';
import { encodeCursor } from '../../../src/domain/cursor.js';
import { eachEngine } from '../../helpers/engines.js';
import type { AuditFilter, EventListRequest } from '../../helpers/named-caller.js';
import { request, unique } from '../service/stored.js';
import { type Population, populate } from './population.js';

eachEngine((db) => {
  let made: Population;

  beforeAll(async () => {
    made = await populate(db);
    await populate(db);
  });

  const list = async (filter: EventListRequest) => (await db.service.events(filter)).events;

  async function allOf(filter: AuditFilter = {}) {
    const events = [];
    for await (const page of db.service.allEvents(filter)) events.push(...page);
    return events;
  }

  /** The ids of what SQL finds, newest first. */
  async function stored(where: string): Promise<unknown[]> {
    const rows = await db.rows(
      `SELECT id FROM apikeys.audit_events WHERE ${where} ORDER BY at DESC, id DESC`,
    );
    return rows.map(({ id }) => id);
  }

  const idsOf = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

  test('the whole trail, newest first, with what keys are called now', async () => {
    const events = await allOf();
    expect(idsOf(events)).toEqual(await stored('true'));
    const [newest] = await list({ key: made.busy, limit: 1 });
    const key = await db.service.get(made.busy);
    expect(newest).toMatchObject({ action: 'key.grace_ended', keyName: 'busier', keyPrefix: key.keyPrefix });
    const [ofOwner] = await list({ owner: made.owner, tenant: made.tenant, action: 'owner.frozen' });
    expect(ofOwner).toMatchObject({ keyId: null, keyName: null, keyPrefix: null, reason: 'audit' });
  });

  test('pages are complete and repeat nothing while events are added', async () => {
    const before = await stored('true');
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await db.service.events({ limit: 3, cursor });
      seen.push(...idsOf(page.events));
      cursor = page.nextCursor ?? undefined;
      await db.service.create(request());
    } while (cursor !== undefined);
    expect(seen).toEqual(before);
  });

  test('pages are complete where many events have the same time', async () => {
    const owner = unique('owner');
    await db.rows(`
      INSERT INTO apikeys.audit_events
      SELECT gen_random_uuid(), n, '2030-01-01T00:00:00Z', 'a', 'r', 'key.revoked', 'default', '${owner}', '${uuidv7()}', NULL,
             '{}', CASE WHEN n > 1 THEN sha256('x') END, sha256('x') FROM generate_series(1, 25) AS n`);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await db.service.events({ owner, limit: 4, cursor });
      seen.push(...idsOf(page.events));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(await stored(`owner_id = '${owner}'`));
    await db.rows(`DELETE FROM apikeys.audit_events WHERE owner_id = '${owner}'`);
  });

  test('the whole trail is complete over many pages', async () => {
    const owner = unique('owner');
    await db.rows(`
      INSERT INTO apikeys.audit_events
      SELECT gen_random_uuid(), 1, '2030-01-01T00:00:00Z'::timestamptz + n % 7 * interval '1 ms', 'a', 'r', 'key.revoked',
             'default', '${owner}', gen_random_uuid(), NULL, '{}', NULL, sha256('x') FROM generate_series(1, 2000) AS n`);
    expect(idsOf(await allOf({ owner }))).toEqual(await stored(`owner_id = '${owner}'`));
    await db.rows(`DELETE FROM apikeys.audit_events WHERE owner_id = '${owner}'`);
  });

  test.each<[string, (made: Population) => AuditFilter, (made: Population) => string]>([
    ['key', ({ busy }) => ({ key: busy }), ({ busy }) => `key_id = '${busy}'`],
    [
      'key of another tenant',
      ({ busy, tenant }) => ({ key: busy, tenant }),
      ({ busy }) => `key_id = '${busy}'`,
    ],
    [
      'deleted key',
      ({ deleted }) => ({ key: deleted.toUpperCase() }),
      ({ deleted }) => `key_id = '${deleted}'`,
    ],
    ['owner, in all tenants', ({ owner }) => ({ owner }), ({ owner }) => `owner_id = '${owner}'`],
    [
      'owner, in one tenant',
      ({ owner, tenant }) => ({ owner, tenant }),
      ({ owner, tenant }) => `owner_id = '${owner}' AND tenant_id = '${tenant}'`,
    ],
    ['tenant', ({ tenant }) => ({ tenant }), ({ tenant }) => `tenant_id = '${tenant}'`],
    ['actor', () => ({ actor: 'someone else' }), () => `actor = 'someone else'`],
    ['action', () => ({ action: 'key.rotated' }), () => `action = 'key.rotated'`],
    [
      'all of them',
      ({ busy, owner, tenant }) => ({
        key: busy,
        owner,
        tenant,
        actor: 'tester',
        action: 'key.frozen',
        since: '1h',
      }),
      ({ busy }) => `key_id = '${busy}' AND action = 'key.frozen'`,
    ],
  ])('only of this %s', async (_what, filter, where) => {
    const expected = await stored(where(made));
    expect(expected.length).toBeGreaterThan(0);
    expect(idsOf(await list(filter(made)))).toEqual(expected);
    expect(idsOf(await allOf(filter(made)))).toEqual(expected);
  });

  test('a key by its name and by its prefix', async () => {
    const { keyPrefix } = await db.service.get(made.revoked);
    const expected = await stored(`key_id = '${made.revoked}'`);
    expect(idsOf(await list({ key: keyPrefix }))).toEqual(expected);
    expect(idsOf(await list({ key: 'busier', owner: made.owner, tenant: made.tenant }))).toEqual(
      await stored(`key_id = '${made.busy}'`),
    );
  });

  test('since is included, until is not, and both may count back from now', async () => {
    const [third] = await list({ key: made.busy, action: 'key.frozen' });
    const at = third?.at.toISOString() ?? '';
    const since = await list({ key: made.busy, since: at });
    const until = await list({ key: made.busy, until: at });
    expect(since.at(-1)?.at.toISOString()).toBe(at);
    expect(since.length + until.length).toBe((await list({ key: made.busy })).length);
    expect(await list({ key: made.busy, since: '1h', until: '0' })).toHaveLength(7);
    expect(await list({ key: made.busy, until: '1h' })).toEqual([]);
    expect(await list({ key: made.busy, since: '0' })).toEqual([]);
  });

  test('tenants are walls: a key or an event of another one is not there', async () => {
    for (const key of [made.busy, made.deleted]) {
      await expect(list({ key, tenant: 'default' })).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
    }
    expect(await list({ tenant: 'nowhere' })).toEqual([]);
    expect(
      (await list({ tenant: 'default', owner: made.owner })).every(({ tenantId }) => tenantId === 'default'),
    ).toBe(true);
  });

  test.each<[string, EventListRequest, string]>([
    ['a key that never was', { key: 'nobody' }, 'KEY_NOT_FOUND'],
    ['an id that never was', { key: uuidv7() }, 'KEY_NOT_FOUND'],
    ['a raw secret', { key: `rv_${'0'.repeat(64)}` }, 'SECRET_IN_ARGUMENT'],
    ['a misspelt action', { action: 'key.revokd' }, 'INVALID_INPUT'],
    ['a time that is none', { since: 'yesterday' }, 'INVALID_INPUT'],
    ['a page of nothing', { limit: 0 }, 'INVALID_INPUT'],
    ['a page of too much', { limit: 1001 }, 'INVALID_INPUT'],
    ['a cursor that is none', { cursor: 'x' }, 'INVALID_INPUT'],
    [
      'the cursor of another list',
      { cursor: encodeCursor({ sort: 'created:desc', values: ['2030-01-01T00:00:00.000Z'], id: uuidv7() }) },
      'INVALID_INPUT',
    ],
    [
      'a cursor of no time',
      { cursor: encodeCursor({ sort: 'events:desc', values: ['2030-99-01T00:00:00.000Z'], id: uuidv7() }) },
      'INVALID_INPUT',
    ],
  ])('%s is refused', async (_what, filter, code) => {
    await expect(list(filter)).rejects.toMatchObject({ code });
  });
});
