import { expect, test } from 'vitest';
import { untilBlocked } from '../helpers/blocked.js';
import { startApikeys } from '../helpers/program.js';
import { type Cli, newOwner, useCli } from './apikeys.js';
import { holdKey, holdOwner } from './held-lock.js';

const cli = useCli();

/** Resolves once the server has no session of the program any more. */
async function nobodyIsLeft({ database }: Cli): Promise<void> {
  await expect
    .poll(() =>
      database.query(`SELECT FROM pg_stat_activity WHERE datname = $1 AND application_name = 'apikeys'`, [
        database.name,
      ]),
    )
    .toHaveLength(0);
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '%s while waiting for a lock ends a revoke with %i at once, and nothing is changed',
  async (signal, code) => {
    const { id } = await cli.create();
    const holder = await holdKey(cli.database.url, id);
    try {
      const running = await startApikeys(['revoke', id, '--yes', '--json'], {
        env: { APIKEYS_DATABASE_URL: cli.database.url },
      });
      await untilBlocked(cli.database);
      const at = performance.now();
      running.kill(signal);
      const result = await running.result;
      expect({ exitCode: result.exitCode, signal: result.signal, stdout: result.stdout }).toEqual({
        exitCode: code,
        signal: null,
        stdout: '',
      });
      expect(JSON.parse(result.stderr).error.code).toBe('INTERRUPTED');
      expect(performance.now() - at).toBeLessThan(2_000);
    } finally {
      await holder.release();
    }
    // The server may still find the lock free for the session that has gone.
    await nobodyIsLeft(cli);
    expect(await cli.json(['show', id])).toMatchObject({ status: 'active' });
  },
);

test('SIGINT while a create waits for its owner makes no key and shows no secret', async () => {
  const owner = newOwner();
  await cli.create('first', ['--owner', owner]);
  const before = await cli.keyCount();
  const holder = await holdOwner(cli.database.url, owner);
  try {
    const create = await startApikeys(['create', 'second', '--owner', owner], {
      env: { APIKEYS_DATABASE_URL: cli.database.url },
    });
    await untilBlocked(cli.database);
    create.kill('SIGINT');
    expect(await create.result).toMatchObject({ exitCode: 130, stdout: '' });
  } finally {
    await holder.release();
  }
  await nobodyIsLeft(cli);
  expect(await cli.keyCount()).toBe(before);
});
