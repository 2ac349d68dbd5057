import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import type { Following } from '../../../src/service/audit/follow.js';
import { eachEngine, onServer, type TestService } from '../../helpers/engines.js';
import type { FollowRequest } from '../../helpers/named-caller.js';
import { random } from '../../helpers/random.js';
import { request, unique } from '../service/stored.js';

/** What the next looks give, until there is no more to be had at once. */
async function look({ service }: TestService, following: Following): Promise<string[]> {
  const ids: string[] = [];
  for (let more = true; more; ) {
    const next = await service.nextEvents(following);
    ids.push(...next.events.map(({ id }) => id));
    more = next.more;
  }
  return ids;
}

const begin = async (db: TestService, filter: FollowRequest = {}): Promise<Following> => {
  const following = db.service.follow(filter);
  expect(await look(db, following)).toEqual([]);
  return following;
};

eachEngine((db) => {
  const stored = async (where: string): Promise<unknown[]> =>
    (await db.rows(`SELECT id FROM apikeys.audit_events WHERE ${where} ORDER BY at, id`)).map(({ id }) => id);

  test('gives what is new, oldest first and once', async () => {
    await db.service.create(request());
    const following = await begin(db);
    const owner = unique('owner');
    const { key } = await db.service.create(request({ owner }));
    await db.service.freeze({ keys: [key.id], actor: 'a' });
    expect(await look(db, following)).toEqual(await stored(`owner_id = '${owner}'`));
    expect(await look(db, following)).toEqual([]);
    await db.service.unfreeze({ keys: [key.id], actor: 'a' });
    expect(await look(db, following)).toEqual(
      await stored(`owner_id = '${owner}' AND action = 'key.unfrozen'`),
    );
  });

  test('begins at a time before, if told to', async () => {
    const following = db.service.follow({ since: '1h' });
    expect(await look(db, following)).toEqual(await stored('true'));
    await db.service.create(request());
    expect(await look(db, following)).toHaveLength(2);
  });

  test('keeps to its filter', async () => {
    const owner = unique('owner');
    const { key } = await db.service.create(request({ owner, tenant: 'acme' }));
    const followed = [
      await begin(db, { key: key.id }),
      await begin(db, { owner, tenant: 'acme', action: 'key.revoked' }),
      await begin(db, { tenant: 'default' }),
      await begin(db, { actor: 'nobody' }),
    ];
    await db.service.freeze({ keys: [key.id], actor: 'a' });
    await db.service.revoke({ keys: [key.id], actor: 'a' });
    await db.service.create(request({ owner }));
    const counts = [];
    for (const one of followed) counts.push((await look(db, one)).length);
    expect(counts).toEqual([2, 1, 2, 0]);
  });

  test('gives a backlog of several pages, each event once', async () => {
    const following = await begin(db, { actor: 'backlog' });
    await db.rows(`
      INSERT INTO apikeys.audit_events
      SELECT gen_random_uuid(), 1, date_trunc('milliseconds', now()), 'backlog', 'r', 'key.revoked', 'default', 'o', gen_random_uuid(),
             NULL, '{}', NULL, sha256('x') FROM generate_series(1, 2500)`);
    expect(await look(db, following)).toEqual(await stored(`actor = 'backlog'`));
    expect(await look(db, following)).toEqual([]);
  });

  test('a look that fails is made up for by the next', async () => {
    const following = await begin(db);
    const owner = unique('owner');
    await db.service.create(request({ owner }));
    await db.rows('ALTER TABLE apikeys.audit_events RENAME TO away');
    try {
      await expect(db.service.nextEvents(following)).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
    } finally {
      await db.rows('ALTER TABLE apikeys.away RENAME TO audit_events');
    }
    expect(await look(db, following)).toEqual(await stored(`owner_id = '${owner}'`));
  });

  test.each<[string, FollowRequest, string]>([
    ['a key that never was', { key: 'nobody' }, 'KEY_NOT_FOUND'],
    ['a misspelt action', { action: 'x' }, 'INVALID_INPUT'],
  ])('%s is refused', async (_what, filter, code) => {
    const follow = async () => look(db, db.service.follow(filter));
    await expect(follow()).rejects.toMatchObject({ code });
  });
});

onServer((db) => {
  /** A transaction of another session that writes one event, dated so many milliseconds ago. */
  async function open(agoMs: number): Promise<{ id: string; commit(): Promise<void> }> {
    const client = new pg.Client({ connectionString: db.database.url });
    await client.connect();
    const id = uuidv7();
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO apikeys.audit_events
       SELECT $1, 1, date_trunc('milliseconds', now() - $2 * interval '1 ms'), 'late', 'r', 'key.revoked', 'default', 'o',
              gen_random_uuid(), NULL, '{}', NULL, sha256('x')`,
      [id, agoMs],
    );
    return {
      id,
      async commit() {
        await client.query('COMMIT');
        await client.end();
      },
    };
  }

  test('transactions that commit out of order are all given, each once', async () => {
    const following = await begin(db);
    const first = await open(30_000);
    const second = await open(1_000);
    expect(await look(db, following)).toEqual([]);
    await second.commit();
    expect(await look(db, following)).toEqual([second.id]);
    await db.service.create(request());
    expect(await look(db, following)).toHaveLength(2);
    await first.commit();
    expect(await look(db, following)).toEqual([first.id]);
    expect(await look(db, following)).toEqual([]);
  });

  test('what was written before the beginning and committed after it is given', async () => {
    const early = await open(20_000);
    const following = await begin(db);
    await early.commit();
    expect(await look(db, following)).toEqual([early.id]);
  });

  test('under writers that come and go, nothing is missed and nothing given twice', async () => {
    const following = await begin(db, { actor: 'late' });
    const written: string[] = [];
    const given: string[] = [];
    let writing = 12;
    const writers = Array.from({ length: writing }, async (_, writer) => {
      for (let turn = 0; turn < 5; turn++) {
        const event = await open(random(50_000));
        await new Promise((resolve) => setTimeout(resolve, (writer * 7 + turn * 13) % 60));
        written.push(event.id);
        await event.commit();
      }
      writing -= 1;
    });
    while (writing > 0) given.push(...(await look(db, following)));
    await Promise.all(writers);
    given.push(...(await look(db, following)));
    expect(given.toSorted()).toEqual(written.toSorted());
  });
});
