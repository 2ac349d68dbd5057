import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded/engine.js';
import { migrate } from '../../src/db/migrate.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { type TestDatabase, testDatabase, testRole } from '../helpers/database.js';
import { type ProgramResult, runApikeys } from '../helpers/program.js';
import { makeTemplate } from '../helpers/template.js';
import { startProxy, type WireMessage, type WireProxy } from '../helpers/wire-proxy.js';
import { openKeys } from '../integration/db/opened.js';
import { inLanes, isLong, patience, scale } from './scale.js';

/** What the program is told to wait at most, and what it may need beyond that to start and to end. */
const WAIT = 1_000;
const MARGIN = scale('HANG_MARGIN', { short: 4_000, long: 4_000 });
/** Every one of the points at which an answer may stay away, or every so many. */
const STRIDE = scale('HANG_STRIDE', { short: 6, long: 1 });
const LANES = scale('HANG_LANES', { short: 4, long: 4 });

let database: TestDatabase;
let proxy: WireProxy;
beforeAll(async () => {
  database = await testDatabase();
  proxy = await proxyTo(database.url);
  await run(database.url, ['create', 'a', '--owner', 'o']);
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});
beforeEach(() => proxy.reset());

function proxyTo(url: string): Promise<WireProxy> {
  const { hostname, port } = new URL(url);
  return startProxy({ target: { host: hostname, port: Number(port) } });
}

const run = (url: string, args: readonly string[], wait = WAIT): Promise<ProgramResult> =>
  runApikeys([...args, '--json'], {
    env: { APIKEYS_DATABASE_URL: url, APIKEYS_TIMEOUT: `${wait / 1_000}s` },
    timeout: 60_000,
  });

const COMMANDS = [
  ['create', 'b', '--owner', 'o'],
  ['list'],
  ['list', '--all'],
  ['show', 'a'],
  ['rotate', 'a'],
  ['freeze', 'a'],
  ['revoke', 'a', '--yes'],
  ['migrate', '--status'],
];

/** Within the deadline, exit 6, one JSON error that tells one of these. */
function expectUnavailable(result: ProgramResult, ...codes: string[]): void {
  const { exitCode, stdout, stderr, durationMs } = result;
  expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: '' });
  const { code, message, hint } = JSON.parse(stderr).error;
  expect(codes).toContain(code);
  expect([message, hint].join(' ')).not.toMatch(/undefined|\[object/);
  expect(durationMs).toBeLessThan(WAIT + MARGIN);
}

test.each(COMMANDS)('a network that swallows everything: %s %s', async (...args) => {
  proxy.blackhole();
  expectUnavailable(await run(proxy.url(database.url), args), 'DATABASE_TIMEOUT');
});

test('with nothing said about it, the wait is ten seconds at most', async () => {
  proxy.blackhole();
  const { exitCode, durationMs } = await runApikeys(['list'], {
    env: { APIKEYS_DATABASE_URL: proxy.url(database.url) },
  });
  expect(exitCode).toBe(6);
  expect(durationMs).toBeLessThan(10_000);
});

/** Where it may stop: before each message from the server. */
async function silencePoints(args: readonly string[]): Promise<{ index: number; line: string }[]> {
  expect((await run(proxy.url(database.url), args)).exitCode).toBe(0);
  return proxy.transcript
    .filter(({ direction }) => direction === 'backend')
    .map(({ type, text }: WireMessage, index) => ({ index, line: `${index} ${type} ${text ?? ''}` }));
}

test.each([
  ['create', 'b', '--owner', 'silence <n>'],
  ['list', '--limit', '1'],
  ['revoke', 'key <n>', '--yes'],
])(
  'a server that falls silent somewhere in the middle: %s %s',
  async (...pattern) => {
    // Each run has a key of its own to revoke, and an owner of its own with room for one.
    const args = (round: number) => pattern.map((word) => word.replace('<n>', String(round)));
    const keys = openKeys(database.url);
    const make = (round: number) =>
      keys.create({ name: `key ${round}`, owner: `owner ${round}`, actor: 'test' });
    if (pattern[0] === 'revoke') await make(-1);
    const points = await silencePoints(args(-1));
    const chosen = points.filter(
      ({ index, line }) => index % STRIDE === 0 || line.includes('COMMIT') || index >= points.length - 2,
    );
    if (pattern[0] === 'revoke') for (const round of chosen.keys()) await make(round);
    await keys.close();

    const wrong: string[] = [];
    await inLanes(LANES, chosen.length, async (round) => {
      const { index, line } = chosen[round] ?? { index: 0, line: '' };
      const own = await proxyTo(database.url);
      try {
        const rule = own.arm({ direction: 'backend', index, action: 'hold-before' });
        const { exitCode, signal, durationMs, stderr } = await run(own.url(database.url), args(round));
        // On a busy machine it may have given up before; going through undisturbed would test nothing.
        if (exitCode === 0 && !rule.hasFired()) wrong.push(`${line}: never came`);
        // Before COMMIT nothing was changed; from then on another connection may tell that it was.
        const known = exitCode === 6 || exitCode === 0 || (exitCode === 8 && line.includes('COMMIT'));
        if (!known) wrong.push(`${line}: exit ${exitCode} ${signal} ${stderr}`);
        if (durationMs > 2 * WAIT + MARGIN) wrong.push(`${line}: ${Math.round(durationMs)} ms`);
      } finally {
        await own.close();
      }
    });
    expect(wrong).toEqual([]);
  },
  patience(isLong() ? 300 : 60, 2_000),
);

test('a network that is gone by the time an error was told', async () => {
  // The connection is given up then, and its orderly end would be waited for in vain.
  await holding(`SELECT FROM apikeys.owners WHERE owner_id = 'o' FOR UPDATE`, async () => {
    proxy.arm({ direction: 'backend', match: { type: 'Z', text: 'E' }, action: 'hold-after' });
    expectUnavailable(await run(proxy.url(database.url), ['create', 'b', '--owner', 'o']), 'DATABASE_BUSY');
  });
});

/** Holds what `statement` locks, in a transaction of somebody else, while `work` runs. */
async function holding(statement: string, work: () => Promise<void>): Promise<void> {
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  try {
    await other.query('BEGIN');
    await other.query(statement);
    await work();
  } finally {
    await other.end();
  }
}

describe('a lock that somebody else holds', () => {
  test.each([
    [`SELECT FROM apikeys.owners WHERE owner_id = 'o' FOR UPDATE`, ['create', 'b', '--owner', 'o']],
    ['SELECT FROM apikeys.keys FOR UPDATE', ['revoke', 'a', '--yes']],
    ['LOCK TABLE apikeys.owners', ['create', 'b', '--owner', 'new']],
    ['LOCK TABLE apikeys.audit_events', ['create', 'b', '--owner', 'new']],
    ['LOCK TABLE apikeys.keys', ['list']],
    ['LOCK TABLE apikeys.keys', ['show', 'a']],
    ['LOCK TABLE apikeys.schema_migrations', ['list']],
  ])('%s: %s', async (statement, args) => {
    await holding(statement, async () => {
      expectUnavailable(await run(database.url, args), 'DATABASE_BUSY', 'DATABASE_TIMEOUT');
    });
  });
});

test('connections that are used up', async () => {
  const role = await testRole(database, { attributes: 'CONNECTION LIMIT 1' });
  const only = new pg.Client({ connectionString: role.url });
  await only.connect();
  try {
    for (const args of COMMANDS) expectUnavailable(await run(role.url, args), 'DATABASE_BUSY');
  } finally {
    await only.end();
    await role.drop();
  }
});

describe('a server of its own', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
    await makeTemplate(cluster.adminUrl, 'app');
  });
  afterAll(() => cluster.stop());

  test('that is stopped where it stands', async () => {
    await cluster.pause();
    try {
      for (const args of COMMANDS) {
        expectUnavailable(await run(cluster.url('postgres'), args), 'DATABASE_TIMEOUT');
      }
    } finally {
      cluster.resume();
    }
  });

  test('that was killed', async () => {
    await cluster.kill9();
    for (const args of COMMANDS) {
      expectUnavailable(await run(cluster.url('postgres'), args), 'DATABASE_UNREACHABLE');
    }
    await cluster.restart();
  });
});

describe('an embedded database that another process uses', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'apikeys-home-'));
  });
  afterAll(() => rm(home, { recursive: true }));

  test('is waited for, then its user is named', async () => {
    const folder = join(home, 'database');
    const holder = await openEmbedded({
      folder,
      timeouts: { connect: 5_000, lock: 5_000, statement: 20_000, answer: 20_000 },
      migrate: async (engine) => {
        await migrate(engine);
      },
    });
    try {
      const results = await Promise.all(COMMANDS.map((args) => run(`embedded:${folder}`, args)));
      for (const result of results) {
        expectUnavailable(result, 'EMBEDDED_LOCKED');
        expect(JSON.parse(result.stderr).error.message).toContain(`process ${process.pid}`);
      }
    } finally {
      await holder.close();
    }
    expect((await run(`embedded:${folder}`, ['list'], 30_000)).exitCode).toBe(0);
  });
});

describe('nobody to ask', () => {
  test.each([[['revoke', 'a']], [['revoke', 'a', '--no-input']]])('%s', async (args) => {
    for (const input of ['', 'y\n']) {
      const { exitCode, stderr, durationMs } = await runApikeys(args, {
        env: { APIKEYS_DATABASE_URL: database.url },
        input,
      });
      expect(exitCode).toBe(2);
      expect(stderr).toContain('--yes');
      expect(durationMs).toBeLessThan(MARGIN);
    }
  });
});
