import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openEmbedded } from '../../src/db/embedded/engine.js';
import { makeSecret } from '../../src/domain/secret.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { type TestDatabase, testDatabase, testRole } from '../helpers/database.js';
import { embeddedDatabase } from '../helpers/embedded.js';
import { type ProgramResult, runApikeys } from '../helpers/program.js';
import { makeTemplate } from '../helpers/template.js';
import { startProxy, type WireMessage, type WireProxy } from '../helpers/wire-proxy.js';
import { openKeys } from '../integration/db/opened.js';
import { inLanes, isLong, patience, scale } from './scale.js';

/** What the program is told to wait at most, and what it may need beyond that to start and to end. */
const WAIT = 1_000;
const MARGIN = scale('HANG_MARGIN', { short: 4_000, long: 4_000 });
/** Every one of the points at which an answer may stay away, or every so many. */
const STRIDE = scale('HANG_STRIDE', { short: 18, long: 1 });
const LANES = scale('HANG_LANES', { short: 4, long: 4 });
/** Of runs that do nothing but wait, so that what each of them takes is its own doing. */
const PAIR = 2;

let database: TestDatabase;
let proxy: WireProxy;
beforeAll(async () => {
  database = await testDatabase();
  proxy = await proxyTo(database.url);
  await run(database.url, ['create', 'a', '--owner', 'o']);
  await database.query(`CREATE ROLE ${AUDITOR}`);
});
afterAll(async () => {
  await proxy.close();
  await database.query(`DROP OWNED BY ${AUDITOR}`);
  await database.query(`DROP ROLE ${AUDITOR}`);
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
    timeout: wait + 20_000,
    ...inputOf(args),
  });

/** What those commands that read stdin get there. */
function inputOf([command, subcommand]: readonly string[]): { input?: string } {
  if (command === 'verify') return { input: makeSecret('rv_', 32) };
  return subcommand === 'import' ? { input: '{"key":"a","requests":1}\n' } : {};
}

/** A role that may be granted to, on the server that most of these tests have. */
const AUDITOR = 'apikeys_hang_auditor';
const GRANTS = ['grants', '--role', AUDITOR, '--as', 'auditor', '--apply'];

const COMMANDS = [
  ['create', 'b', '--owner', 'o'],
  ['list'],
  ['list', '--all'],
  ['show', 'a'],
  ['rotate', 'a'],
  ['freeze', 'a'],
  ['revoke', 'a', '--yes'],
  ['migrate', '--status'],
  ['doctor'],
  GRANTS,
  ['verify'],
  ['usage'],
  ['usage', 'record', 'a', '--requests', '1'],
  ['usage', 'import'],
  ['cleanup'],
  ['audit'],
  ['audit', '--follow'],
  ['audit', 'head'],
  ['audit', 'verify'],
];

/** Each goes its own way to the database. */
const WAYS = [
  ['create', 'b', '--owner', 'o'],
  ['list'],
  ['list', '--all'],
  ['migrate', '--status'],
  ['doctor'],
  ['verify'],
  ['cleanup'],
  ['audit', '--follow'],
];

/** Each ends within the deadline with exit 6 and one JSON error that tells one of these; gives the errors. */
async function expectUnavailable(
  url: string,
  commands: readonly (readonly string[])[],
  ...codes: string[]
): Promise<ToldError[]> {
  const told: ToldError[] = [];
  await inLanes(PAIR, commands.length, async (round) => {
    const args = commands[round] ?? [];
    const { exitCode, stdout, stderr, durationMs } = await run(url, args);
    expect({ args, exitCode, stderr: args[0] === 'doctor' ? stderr : '' }).toEqual({
      args,
      exitCode: 6,
      stderr: '',
    });
    expect(durationMs, args.join(' ')).toBeLessThan(WAIT + MARGIN);
    if (args[0] === 'doctor') {
      expectDiagnosis(stdout);
      return;
    }
    const { error }: { error: ToldError } = JSON.parse(stderr);
    expect({ args, stdout, code: codes.includes(error.code) || error.code }).toEqual({
      args,
      stdout: '',
      code: true,
    });
    expect([error.message, error.hint].join(' ')).not.toMatch(/undefined|\[object/);
    told.push(error);
  });
  return told;
}

interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/** What doctor finds is its result, not its failure. */
function expectDiagnosis(stdout: string): void {
  const { ok, checks } = JSON.parse(stdout);
  expect(ok).toBe(false);
  expect(checks).toContainEqual(expect.objectContaining({ name: 'database', status: 'fail' }));
  expect(stdout).not.toMatch(/undefined|\[object/);
}

test('a network that swallows everything', async () => {
  proxy.blackhole();
  await expectUnavailable(proxy.url(database.url), isLong() ? COMMANDS : WAYS, 'DATABASE_TIMEOUT');
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
  ['usage', 'record', 'key in use <n>', '--requests', '1'],
])(
  'a server that falls silent somewhere in the middle: %s %s',
  async (...pattern) => {
    // Each run has a key of its own to change, and an owner of its own with room for one.
    const args = (round: number) => pattern.map((word) => word.replace('<n>', String(round)));
    const keys = openKeys(database.url);
    const name = pattern.find((word) => /^key\b.*<n>$/.test(word));
    const make = async (round: number) => {
      if (name === undefined) return;
      await keys.create({ name: name.replace('<n>', `${round}`), owner: `owner ${round}`, actor: 'test' });
    };
    await make(-1);
    const points = await silencePoints(args(-1));
    const chosen = points.filter(
      ({ index, line }) => index % STRIDE === 0 || line.includes('COMMIT') || index >= points.length - 2,
    );
    for (const round of chosen.keys()) await make(round);
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
    await expectUnavailable(proxy.url(database.url), [['create', 'b', '--owner', 'o']], 'DATABASE_BUSY');
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
  test.each<[statement: string, commands: readonly (readonly string[])[]]>([
    [`SELECT FROM apikeys.owners WHERE owner_id = 'o' FOR UPDATE`, [['create', 'b', '--owner', 'o']]],
    ['SELECT FROM apikeys.keys FOR UPDATE', [['revoke', 'a', '--yes']]],
    ['LOCK TABLE apikeys.owners', [['create', 'b', '--owner', 'new'], ['verify'], ['cleanup']]],
    [
      'LOCK TABLE apikeys.audit_events',
      [
        ['create', 'b', '--owner', 'new'],
        ['audit'],
        ['audit', '--follow'],
        ['audit', 'head'],
        ['audit', 'verify'],
      ],
    ],
    ['LOCK TABLE apikeys.keys', [['list'], ['show', 'a'], ['usage', 'import'], ['doctor']]],
    ['LOCK TABLE apikeys.schema_migrations', [['list'], ['doctor'], GRANTS]],
    [
      'LOCK TABLE apikeys.usage_daily',
      [['usage'], ['usage', 'record', 'a', '--requests', '1'], ['usage', 'import']],
    ],
    ['LOCK TABLE apikeys.secrets', [['verify'], ['cleanup']]],
    ['GRANT SELECT ON apikeys.keys TO PUBLIC', [GRANTS]],
  ])('%s', async (statement, commands) => {
    await holding(statement, async () => {
      await expectUnavailable(database.url, commands, 'DATABASE_BUSY', 'DATABASE_TIMEOUT');
    });
  });
});

test('connections that are used up', async () => {
  const role = await testRole(database, { attributes: 'CONNECTION LIMIT 1' });
  const only = new pg.Client({ connectionString: role.url });
  await only.connect();
  try {
    await expectUnavailable(role.url, WAYS, 'DATABASE_BUSY');
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
      await expectUnavailable(cluster.url('postgres'), WAYS, 'DATABASE_TIMEOUT');
    } finally {
      cluster.resume();
    }
  });

  test('that was killed', async () => {
    await cluster.kill9();
    await expectUnavailable(cluster.url('postgres'), COMMANDS, 'DATABASE_UNREACHABLE');
    await cluster.restart();
  });
});

describe('an embedded database that another process uses', () => {
  test('is waited for, then its user is named', async () => {
    const folder = await embeddedDatabase();
    const holder = await openEmbedded({
      folder,
      timeouts: { connect: 5_000, lock: 5_000, statement: 20_000, answer: 20_000 },
    });
    try {
      const told = await expectUnavailable(`embedded:${folder}`, WAYS, 'EMBEDDED_LOCKED');
      for (const { message } of told) expect(message).toContain(`process ${process.pid}`);
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
