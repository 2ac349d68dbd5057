import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { testDatabase } from '../helpers/database.js';
import { describeSchema } from '../helpers/describe-schema.js';
import { runApikeys, startApikeys } from '../helpers/program.js';
import { random } from '../helpers/random.js';
import { laterVersion } from '../integration/db/packages.js';
import { patience, scale } from './scale.js';

const ROUNDS = scale('MIGRATE_ROUNDS', { short: 1, long: 200 });
const PROCESSES = scale('MIGRATE_PROCESSES', { short: 8, long: 8 });
/** How many of them are killed at some moment of their run. */
const KILLED = scale('MIGRATE_KILLED', { short: 5, long: 5 });

test(`${PROCESSES} migrations at once, ${KILLED} of them killed, leave all of the schema or none`, {
  timeout: patience(ROUNDS, 10_000),
}, async () => {
  const { program, migrations } = laterVersion();
  const whole = await testDatabase();
  await runApikeys(['migrate'], { env: { APIKEYS_DATABASE_URL: whole.url }, program });
  const expected = await describeSchema(whole.url);
  await whole.drop();
  for (let round = 0; round < ROUNDS; round++) {
    const database = await testDatabase({ migrated: false });
    const env = { APIKEYS_DATABASE_URL: database.url, APIKEYS_TIMEOUT: '30s' };
    try {
      const running = await Promise.all(
        Array.from({ length: PROCESSES }, () => startApikeys(['migrate', '-q'], { env, program })),
      );
      await Promise.all(
        running.slice(0, KILLED).map(async (one) => {
          await sleep(random(1_000));
          one.kill('SIGKILL');
        }),
      );
      const results = await Promise.all(running.map(({ result }) => result));
      const survivors = results.filter(({ signal }) => signal === null);
      expect(survivors.length).toBeGreaterThanOrEqual(PROCESSES - KILLED);
      expect(survivors.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
        survivors.map(() => ({ exitCode: 0, stderr: '' })),
      );
      const rows = await database.query('SELECT version FROM apikeys.schema_migrations');
      expect(rows).toHaveLength(migrations.length);
      expect(await describeSchema(database.url)).toBe(expected);
      expect((await runApikeys(['list'], { env, program })).exitCode).toBe(0);
    } finally {
      await database.drop();
    }
  }
});
