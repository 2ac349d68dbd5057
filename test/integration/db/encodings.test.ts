import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { runInProcess } from '../../helpers/run-in-process.js';

describe.each(['LATIN1', 'SQL_ASCII', 'EUC_JP'])('a database in %s', (encoding) => {
  let database: TestDatabase;
  const run = (...args: readonly string[]) =>
    runInProcess([...args, '--json'], { env: { APIKEYS_DATABASE_URL: database.url } });
  const errorIn = (stderr: string) => JSON.parse(stderr || '{"error":{}}').error;

  beforeAll(async () => {
    database = await testDatabase({ migrated: false, encoding });
    const { exitCode, stderr } = await runInProcess(['migrate', '-o', 'tsv'], {
      env: { APIKEYS_DATABASE_URL: database.url },
    });
    expect(exitCode).toBe(0);
    expect(stderr).toContain(encoding);
    expect(await run('create', 'a', '--owner', 'o')).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => database.drop());

  test('refuses a text that it cannot hold, by its name, and changes nothing', async () => {
    const tooMuch = encoding === 'SQL_ASCII' ? 'é'.repeat(150) : '🚨';
    for (const args of [
      ['create', tooMuch, '--owner', 'o'],
      ['create', 'b', '--owner', tooMuch],
      ['revoke', 'a', '--yes', '--actor', tooMuch],
      ['freeze', 'a', '--reason', encoding === 'SQL_ASCII' ? 'é'.repeat(400) : tooMuch],
    ]) {
      const { exitCode, stderr } = await run(...args);
      expect({ args, exitCode, code: errorIn(stderr).code }).toEqual({
        args,
        exitCode: 2,
        code: 'INVALID_INPUT',
      });
      expect(errorIn(stderr).message).toContain(encoding);
    }
    expect(JSON.parse((await run('show', 'a')).stdout)).toMatchObject({ status: 'active' });
  });

  test('finds nothing by such a text, and says so as of any other', async () => {
    for (const args of [
      ['show', '🚀'],
      ['revoke', '🚀', 'a', '--yes'],
      ['freeze', '--owner', '🚀'],
    ]) {
      const { exitCode, stderr } = await run(...args);
      expect({ args, exitCode, code: errorIn(stderr).code }).toMatchObject({ exitCode: 3 });
    }
    for (const args of [
      ['list', '--owner', '🚀'],
      ['list', '--all', '--owner', '🚀'],
      ['list', '--tenant', '🚀'],
      ['audit', '--owner', '🚀'],
    ]) {
      expect({ args, ...(await run(...args)) }).toMatchObject({ args, exitCode: 0, stderr: '' });
    }
    expect(JSON.parse((await run('list', '--count', '--owner', '🚀')).stdout)).toEqual({ count: 0 });
  });
});
