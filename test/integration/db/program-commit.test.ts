import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../helpers/database.js';
import { type ProgramResult, runApikeys } from '../../helpers/program.js';
import { type RuleOptions, startProxy, type WireProxy } from '../../helpers/wire-proxy.js';
import { openKeys } from './opened.js';
import { CREATED, NOTHING, REVOKED, serverIdle, storedOf } from './stored.js';

const NAME = 'program-commit';
const COMMIT = { direction: 'frontend', match: { type: 'Q', text: /^COMMIT$/ } } as const;

let database: TestDatabase;
let proxy: WireProxy;
beforeAll(async () => {
  database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({ target: { host: hostname, port: Number(port) } });
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});
beforeEach(() => proxy.reset());

/** The ways to lose a COMMIT, and whether it arrived. The database stays within reach, or goes away at that moment. */
const LOSSES: { how: string; arrives: boolean; away: boolean; rule: RuleOptions }[] = [
  { how: 'lost', arrives: false, away: false, rule: { ...COMMIT, action: 'cut-before' } },
  { how: 'its answer lost', arrives: true, away: false, rule: { ...COMMIT, action: 'cut-after' } },
  {
    how: 'both lost at once',
    arrives: true,
    away: false,
    rule: { ...COMMIT, action: 'cut-after', server: 'destroy' },
  },
  { how: 'lost', arrives: false, away: true, rule: { ...COMMIT, action: 'cut-before' } },
  { how: 'its answer lost', arrives: true, away: true, rule: { ...COMMIT, action: 'cut-after' } },
];
const exitOf = ({ arrives, away }: (typeof LOSSES)[number]): number => (away ? 8 : arrives ? 0 : 6);

async function run(
  args: readonly string[],
  { away, rule }: (typeof LOSSES)[number],
  index = 0,
): Promise<ProgramResult> {
  const armed = proxy.arm({ ...rule, index });
  if (away) void armed.fired.then(() => proxy.refuse());
  const result = await runApikeys([...args, '--json'], {
    env: { APIKEYS_DATABASE_URL: proxy.url(database.url), APIKEYS_TIMEOUT: '2s', PGAPPNAME: NAME },
  });
  expect(armed.hasFired()).toBe(true);
  expect(result.durationMs).toBeLessThan(5_000);
  await serverIdle(database, NAME);
  return result;
}

const errorOf = ({ stderr }: ProgramResult) => (stderr === '' ? null : JSON.parse(stderr).error);

describe.each(LOSSES)('COMMIT $how (away: $away)', (loss) => {
  const { how, arrives, away } = loss;
  const owner = `${how} ${away}`;

  test('create shows the key, and says what became of it', async () => {
    const result = await run(['create', 'a', '--owner', owner], loss);
    expect(result.exitCode).toBe(exitOf(loss));
    expect(JSON.parse(result.stdout).api_key).toMatch(/^rv_[0-9a-f]{64}$/);
    expect(await storedOf(database, owner)).toEqual(arrives ? CREATED : NOTHING);
    const error = errorOf(result);
    if (away)
      expect(error).toMatchObject({
        code: 'OUTCOME_UNKNOWN',
        message: expect.stringContaining('may or may not work'),
      });
    else if (arrives) expect(error).toBeNull();
    else
      expect(error).toMatchObject({
        code: 'DATABASE_UNREACHABLE',
        message: expect.stringContaining('is dead'),
      });
  });

  test('revoke says whether the key is revoked', async () => {
    const keys = openKeys(database.url);
    const { key } = await keys.create({ name: 'a', owner: `revoke ${owner}`, actor: 'test' });
    await keys.close();
    // The first COMMIT is that of looking the key up.
    const result = await run(['revoke', key.id, '--yes'], loss, 1);
    expect(result.exitCode).toBe(exitOf(loss));
    expect(await storedOf(database, `revoke ${owner}`)).toEqual(arrives ? REVOKED : CREATED);
    const error = errorOf(result);
    if (away) expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    else if (arrives) expect([JSON.parse(result.stdout).changed, error]).toEqual([1, null]);
    else
      expect(error).toMatchObject({
        code: 'DATABASE_UNREACHABLE',
        message: expect.stringContaining('nothing was changed'),
      });
    if (error !== null) expect(result.stdout).toBe('');
  });
});
