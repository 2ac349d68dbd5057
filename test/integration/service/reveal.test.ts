import { expect, test } from 'vitest';
import { ApiKeysError } from '../../../src/errors.js';
import type { CreatedKey } from '../../../src/service/keys/create-key.js';
import { eachEngine, onServer } from '../../helpers/engines.js';
import { fingerprint, request, unique } from './stored.js';

eachEngine((db) => {
  test('the secret is revealed once, as it is returned', async () => {
    const revealed: CreatedKey[] = [];
    const created = await db.service.create(request(), async (made) => {
      revealed.push(made);
    });
    expect(revealed).toEqual([created]);
  });

  test('a secret that could not be shown was never made', async () => {
    const before = await fingerprint(db.rows);
    const owner = unique('owner');
    const failed = db.service.create(request({ owner, tenant: unique('tenant') }), async () => {
      throw new ApiKeysError('OUTPUT_FAILED', 'the disk is full');
    });
    await expect(failed).rejects.toMatchObject({ code: 'OUTPUT_FAILED', message: 'the disk is full' });
    expect(await fingerprint(db.rows)).toEqual(before);
    // The connection is still good.
    expect((await db.service.create(request({ owner }))).firstKey).toBe(true);
  });

  test('a reveal that fails in any other way stores nothing either', async () => {
    const before = await fingerprint(db.rows);
    const failed = db.service.create(request(), () => Promise.reject(new TypeError('rv_secret text')));
    await expect(failed).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.not.stringContaining('rv_secret'),
    });
    expect(await fingerprint(db.rows)).toEqual(before);
  });

  test('nothing is revealed of a key that a rule refuses', async () => {
    const owner = unique('owner');
    const one = db.serviceWith({ maxKeysPerOwner: 1 });
    await one.create(request({ owner }));
    let reveals = 0;
    const reveal = async (): Promise<void> => {
      reveals++;
    };
    await expect(one.create(request({ owner }), reveal)).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    await expect(one.create(request({ name: '' }), reveal)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(reveals).toBe(0);
  });
});

onServer((db) => {
  test('while it is revealed, no other connection sees the key', async () => {
    let seen: unknown;
    const { key } = await db.service.create(request(), async (made) => {
      seen = await db.database.query('SELECT id FROM apikeys.keys WHERE id = $1', [made.key.id]);
    });
    expect(seen).toEqual([]);
    expect(await db.database.query('SELECT id FROM apikeys.keys WHERE id = $1', [key.id])).toHaveLength(1);
  });

  test('when the commit fails after the reveal, the error says that the key shown is dead', async () => {
    // Checked at the commit, so that every statement before it succeeds.
    await db.database.query(
      `CREATE TABLE allowed (id uuid PRIMARY KEY);
       ALTER TABLE apikeys.audit_events ADD CONSTRAINT late FOREIGN KEY (id) REFERENCES allowed
         DEFERRABLE INITIALLY DEFERRED NOT VALID`,
    );
    try {
      const before = await fingerprint(db.rows);
      let reveals = 0;
      const failed = db.service.create(request(), async () => {
        reveals++;
      });
      await expect(failed).rejects.toMatchObject({
        message: expect.stringContaining('the key that was shown is dead'),
      });
      expect(reveals).toBe(1);
      expect(await fingerprint(db.rows)).toEqual(before);
    } finally {
      await db.database.query('ALTER TABLE apikeys.audit_events DROP CONSTRAINT late; DROP TABLE allowed');
    }
  });

  test('a transaction that is run again reveals the same secret, and only once', async () => {
    const owner = unique('owner');
    await db.service.create(request({ owner }));
    // A sequence is not rolled back: the first commit fails to serialise, the second does not.
    await db.database.query(`
      CREATE SEQUENCE attempts;
      CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF nextval('public.attempts') = 1 THEN RAISE 'once' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER fail_once AFTER INSERT ON apikeys.audit_events
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_once()`);
    try {
      const revealed: string[] = [];
      const { apiKey, key } = await db.service.create(request({ owner }), async (made) => {
        revealed.push(made.apiKey);
      });
      expect(revealed).toEqual([apiKey]);
      expect(await db.database.query(`SELECT last_value FROM attempts`)).toEqual([{ last_value: '2' }]);
      expect(await db.service.get(key.keyPrefix)).toEqual(key);
    } finally {
      await db.database.query('DROP FUNCTION fail_once CASCADE; DROP SEQUENCE attempts');
    }
  });
});
