import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loadMigrations } from '../../src/db/schema/migrations.js';
import { testDatabase } from '../helpers/database.js';
import { describeSchema } from '../helpers/describe-schema.js';
import { runApikeys, startApikeys } from '../helpers/program.js';
import { random } from '../helpers/random.js';
import { patience, scale } from './scale.js';

const ROUNDS = scale('MIGRATE_ROUNDS', { short: 2, long: 200 });
const PROCESSES = scale('MIGRATE_PROCESSES', { short: 8, long: 8 });
/** How many of them are killed at some moment of their run. */
const KILLED = scale('MIGRATE_KILLED', { short: 5, long: 5 });

test(`${PROCESSES} migrations at once, ${KILLED} of them killed, leave all of the schema or none`, {
  timeout: patience(ROUNDS, 10_000),
}, async () => {
  const whole = await testDatabase();
  const expected = await describeSchema(whole.url);
  await whole.drop();
  for (let round = 0; round < ROUNDS; round++) {
    const database = await testDatabase({ migrated: false });
    const env = { APIKEYS_DATABASE_URL: database.url, APIKEYS_TIMEOUT: '30s' };
    try {
      const programs = await Promise.all(
        Array.from({ length: PROCESSES }, () => startApikeys(['migrate', '-q'], { env })),
      );
      await Promise.all(
        programs.slice(0, KILLED).map(async (program) => {
          await sleep(random(1_000));
          program.kill('SIGKILL');
        }),
      );
      const results = await Promise.all(programs.map((program) => program.result));
      const survivors = results.filter(({ signal }) => signal === null);
      expect(survivors.length).toBeGreaterThanOrEqual(PROCESSES - KILLED);
      expect(survivors.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
        survivors.map(() => ({ exitCode: 0, stderr: '' })),
      );
      const rows = await database.query('SELECT version FROM apikeys.schema_migrations');
      expect(rows).toHaveLength(loadMigrations().length);
      expect(await describeSchema(database.url)).toBe(expected);
      expect((await runApikeys(['list'], { env })).exitCode).toBe(0);
    } finally {
      await database.drop();
    }
  }
});
