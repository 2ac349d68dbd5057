import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSecret } from '../../src/domain/secret.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { dumpEverything } from '../helpers/dump.js';
import { type ProgramResult, type RunOptions, runApikeys, startApikeys } from '../helpers/program.js';
import { runInProcess } from '../helpers/run-in-process.js';
import { overUrl } from '../helpers/run-sql.js';
import { makeTemplate } from '../helpers/template.js';
import { startProxy, type WireProxy } from '../helpers/wire-proxy.js';
import { inLanes, scale } from './scale.js';
import { hashOf, runInto } from './stdout.js';

const LANES = scale('CANARY_LANES', { short: 4, long: 4 });

let cluster: Cluster;
let proxy: WireProxy;
let folder: string;
let url: string;
beforeAll(async () => {
  cluster = await startCluster({ logStatements: true });
  await makeTemplate(cluster.adminUrl, 'app');
  await overUrl(cluster.adminUrl, (run) => run('ALTER DATABASE app ALLOW_CONNECTIONS true'));
  await overUrl(cluster.adminUrl, (run) => run('CREATE ROLE canary_auditor'));
  url = cluster.url('app');
  proxy = await startProxy({ target: { host: cluster.host, port: cluster.port } });
  folder = await mkdtemp(join(tmpdir(), 'apikeys-canary-'));
});
afterAll(async () => {
  await proxy.close();
  await cluster.stop();
  await rm(folder, { recursive: true });
});

/** Everything that the runs have left where somebody might read it. The last test searches it. */
const traces = { stdout: [] as string[], stderr: [] as string[], commandLines: new Set<string>() };
/** A key that somebody types where it does not belong. */
const typed = makeSecret('rv_', 32);

/** Reads the command lines of all processes, the server's included, until it is told to stop. */
function watchCommandLines(): () => Promise<void> {
  let watching = true;
  const watch = async () => {
    while (watching) {
      const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
      for (const pid of pids) {
        traces.commandLines.add(await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''));
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const watched = watch();
  return async () => {
    watching = false;
    await watched;
  };
}

type Runner = (args: readonly string[], options?: RunOptions) => Promise<ProgramResult>;

/** Keeps what the runs have printed. */
const traced =
  (runner: Runner): Runner =>
  async (args, options = {}) => {
    const result = await runner(args, {
      ...options,
      env: { APIKEYS_DATABASE_URL: url, APIKEYS_TIMEOUT: '2s', ...options.env },
    });
    traces.stdout.push(result.stdout);
    traces.stderr.push(result.stderr);
    return result;
  };
/** As a process of its own: for what command lines hold, and for the runtime's own words. */
const runProgram = traced(runApikeys);
const run = traced(runInProcess);

const create = (name: string, ...more: string[]): string[] => ['create', name, '--owner', 'canary', ...more];

/** Changes the schema for as long as `work` takes. */
async function altered(change: string, back: string, work: () => Promise<void>): Promise<void> {
  await overUrl(url, (sql) => sql(change));
  await work();
  await overUrl(url, (sql) => sql(back));
}

const KEY = /rv_[0-9a-f]{64}/g;
const KEY_ONCE = new RegExp(KEY.source);

/** The raw key in every shape in which it might be lying about. */
const shapesOf = (key: string): string[] => [
  key,
  key.slice(3),
  key.slice(3).toUpperCase(),
  Buffer.from(key).toString('hex'),
  Buffer.from(key.slice(3), 'hex').toString('base64'),
  Buffer.from(key).toString('base64').replaceAll('=', ''),
  Buffer.from(key.slice(3)).toString('hex'),
];

test('every command, in every format', { timeout: 120_000 }, async () => {
  const stopWatching = watchCommandLines();
  const made = ['table', 'tsv', 'json', 'ndjson', 'csv'].map((format) => [
    ...create(`made as ${format}`),
    '-o',
    format,
  ]);
  await inLanes(LANES, made.length, async (round) => {
    expect((await runProgram([...(made[round] ?? []), '--debug'])).exitCode).toBe(0);
  });
  const others = [
    create('options', '--scope', 'orders:*', '--expires', '30d', '--description', 'text', '-q'),
    create('tenant', '--metadata', 'team=a', '--tenant', 'elsewhere', '--color', 'always', '-o', 'table'),
  ];
  for (const args of others) expect((await runProgram(args)).exitCode).toBe(0);
  const reading = [['list'], ['list', '--all'], ['show', 'options'], ['show', 'made as json']].flatMap(
    (args) => ['table', 'json', 'csv'].map((format) => [...args, '-o', format, '--debug']),
  );
  await inLanes(LANES, reading.length, async (round) => {
    expect((await runProgram(reading[round] ?? [])).exitCode).toBe(0);
  });
  for (const args of [
    ['rotate', 'options', '--json'],
    ['rotate', 'options', '-q', '--grace', '0'],
    ['rotate', 'made as tsv', '-o', 'table', '--debug'],
    ['rotate', 'made as tsv', '--end-grace'],
    ['freeze', 'options', '--reason', 'canary'],
    ['unfreeze', 'options'],
    ['scopes', 'options', '--add', 'read'],
    ['update', 'options', '--description', 'other'],
    ['freeze', '--owner', 'canary', '--tenant', 'default', '--json'],
    ['unfreeze', '--owner', 'canary', '--tenant', 'default', '--json'],
    ['revoke', 'tenant', '--yes', '--reason', 'canary', '--json'],
    ['migrate', '--status'],
    ['schema', 'create'],
  ]) {
    expect((await runProgram(args)).exitCode).toBe(0);
  }
  await stopWatching();
});

/** A raw key that was shown; by now it may have ended. */
const shownKey = (): string => KEY_ONCE.exec(traces.stdout.join('\n'))?.[0] ?? '';

test('every command that is given a raw key, or tells of what was done to keys', {
  timeout: 120_000,
}, async () => {
  const [key = ''] = KEY_ONCE.exec((await run(create('given'))).stdout) ?? [];
  expect(key).not.toBe('');
  const usage = [key, typed].map((raw) => JSON.stringify({ key: raw, requests: 1 })).join('\n');
  const runs: [exitCode: number, args: string[], options?: RunOptions][] = [
    ...['table', 'tsv', 'json'].flatMap((format): [number, string[], RunOptions][] => [
      [0, ['verify', '--explain', '-o', format, '--debug'], { input: key }],
      [5, ['verify', '--explain', '-o', format, '--debug'], { input: typed }],
      [5, ['verify', '--scope', 'never:granted', '-o', format], { input: `${key}\n` }],
    ]),
    [0, ['usage', 'record', 'options', '--requests', '3', '--json']],
    [0, ['usage', 'import', '--import-id', 'canary'], { input: 'key,requests\noptions,2\n' }],
    [2, ['usage', 'import', '--debug'], { input: usage }],
    [2, ['usage', 'import', '--dry-run', '--debug'], { input: usage }],
    [2, ['usage', 'import', '--json'], { input: `key,${typed}\noptions,2\n` }],
    [0, ['grants', '--role', 'canary_auditor', '--as', 'auditor', '--apply', '--debug']],
    [0, ['audit', 'verify', '--debug']],
    ...['table', 'json', 'csv'].flatMap((format): [number, string[]][] => [
      [0, ['audit', '--all', '-o', format, '--debug']],
      [0, ['usage', 'options', '-o', format]],
      [0, ['usage', '-o', format]],
      [0, ['doctor', '-o', format, '--debug']],
    ]),
    [0, ['audit', 'head']],
  ];
  await inLanes(LANES, runs.length, async (round) => {
    const [exitCode, args, options] = runs[round] ?? [0, []];
    const result = await run(args, options);
    expect({ args, exitCode: result.exitCode }).toEqual({ args, exitCode });
  });
  const following = await startApikeys(['audit', '--follow', '--since', '1h', '--debug'], {
    env: { APIKEYS_DATABASE_URL: url },
  });
  await expect.poll(() => following.stdout(), { timeout: 10_000 }).toContain('key.created');
  following.kill('SIGINT');
  const followed = await following.result;
  traces.stdout.push(followed.stdout);
  traces.stderr.push(followed.stderr);
  expect((await run(['cleanup', '--older-than', '0', '--audit-older-than', '1d', '--debug'])).exitCode).toBe(
    0,
  );
});

test('every failure before a key is shown, and while it is', { timeout: 120_000 }, async () => {
  const failing = async (exitCode: number, args: readonly string[], env = {}, input?: string) => {
    const result = await runProgram([...args, '--debug', '--json'], {
      env,
      ...(input !== undefined && { input }),
    });
    expect({ args, exitCode: result.exitCode }).toEqual({ args, exitCode });
    return JSON.parse(result.stderr).error;
  };
  await failing(4, create('limit'), { APIKEYS_MAX_PER_USER: '1' });
  await failing(2, create('past', '--expires', '2020-01-01T00:00:00Z'));
  await failing(9, create('login'), { APIKEYS_DATABASE_URL: cluster.url('app', { password: 'wrong' }) });
  await failing(7, create('missing'), { APIKEYS_DATABASE_URL: cluster.url('postgres') });
  await altered(
    `ALTER TABLE apikeys.secrets ADD CONSTRAINT none CHECK (key_prefix = '') NOT VALID`,
    'ALTER TABLE apikeys.secrets DROP CONSTRAINT none',
    async () => {
      expect(await failing(1, create('constraint'))).toMatchObject({ code: 'INTERNAL', sql_state: '23514' });
    },
  );
  await altered(
    'ALTER TABLE apikeys.audit_events RENAME TO away',
    'ALTER TABLE apikeys.away RENAME TO audit_events',
    async () => {
      await failing(7, create('no audit'));
      await failing(7, ['audit', 'verify']);
    },
  );
  await failing(6, ['verify'], { APIKEYS_DATABASE_URL: 'postgres://127.0.0.1:1/none' }, shownKey());
  await altered(
    'ALTER TABLE apikeys.secrets RENAME COLUMN hash TO away',
    'ALTER TABLE apikeys.secrets RENAME COLUMN away TO hash',
    async () => {
      await failing(7, ['verify', '--explain'], {}, shownKey());
    },
  );
  const nowhere = await runInto('pipe', [...create('unseen'), '--debug'], { APIKEYS_DATABASE_URL: url });
  traces.stderr.push(nowhere.stderr);
  expect(nowhere.exitCode).toBe(1);
});

test('every failure after a key was shown', { timeout: 120_000 }, async () => {
  const COMMIT = { direction: 'frontend', match: { text: /^COMMIT$/ } } as const;
  const env = { APIKEYS_DATABASE_URL: proxy.url(url), APIKEYS_TIMEOUT: '2s' };
  const losses = [
    { action: 'cut-before', away: false },
    { action: 'cut-after', away: false },
    { action: 'cut-before', away: true },
    { action: 'hold-before', away: true },
  ] as const;
  for (const { action, away } of losses) {
    await proxy.reset();
    const rule = proxy.arm({ ...COMMIT, action });
    if (away) void rule.fired.then(() => proxy.refuse());
    await runProgram([...create('lost'), '--debug'], { env });
    expect(rule.hasFired()).toBe(true);
  }
  await proxy.reset();
  const rule = proxy.arm({ ...COMMIT, action: 'hold-before' });
  const interrupted = await startApikeys([...create('interrupted'), '--debug'], { env });
  await rule.fired;
  interrupted.kill('SIGINT');
  proxy.cutAll();
  const ended = await interrupted.result;
  traces.stdout.push(ended.stdout);
  traces.stderr.push(ended.stderr);
});

test('a key that is typed where it does not belong is refused', { timeout: 120_000 }, async () => {
  const misplaced = [
    ['create', typed, '--owner', 'o'],
    ['create', 'a', '--owner', typed],
    ['create', 'a', '--owner', 'o', '--description', `use ${typed} here`],
    ['create', 'a', '--owner', 'o', '--metadata', `key=${typed}`],
    ['create', 'a', '--owner', 'o', '--scope', typed],
    ['create', 'a', '--owner', 'o', '--expires', typed],
    ['create', 'a', '--owner', 'o', '--tenant', typed],
    ['create', 'a', '--owner', 'o', `--${typed}`],
    ['list', '--owner', typed],
    ['list', '--cursor', typed],
    ['list', `--limit=${typed}`],
    ['list', '--actor', typed],
    ['list', '--config', `/nowhere/${typed}`],
    ['list', '--database-url-file', typed],
    ['show', typed],
    ['rotate', typed],
    ['freeze', typed],
    ['freeze', 'options', '--reason', `it was ${typed}`],
    ['unfreeze', '--owner', typed],
    ['scopes', typed],
    ['scopes', 'options', '--add', typed],
    ['update', 'options', '--name', typed],
    ['revoke', typed, '--yes'],
    ['revoke', 'options', '--yes', '--reason', `it was ${typed}`],
    ['schema', typed],
    ['verify', typed],
    ['verify', '--key-file', `/nowhere/${typed}`],
    ['verify', '--scope', typed],
    ['usage', typed],
    ['usage', '--owner', typed],
    ['usage', 'record', typed, '--requests', '1'],
    ['usage', 'record', 'options', `--requests=${typed}`],
    ['usage', 'import', typed],
    ['usage', 'import', '--import-id', typed],
    ['audit', typed],
    ['audit', '--owner', typed],
    ['audit', '--action', typed],
    ['audit', '--cursor', typed],
    ['audit', '--follow', '--since', typed],
    ['audit', 'verify', '--head', typed],
    ['cleanup', '--older-than', typed],
    ['cleanup', `--batch-size=${typed}`],
    ['grants', '--role', typed, '--as', 'admin'],
    ['grants', '--role', 'canary_auditor', '--as', typed],
    ['doctor', typed],
    [typed],
  ].flatMap((args) => [
    [...args, '--debug'],
    [...args, '--debug', '--json'],
  ]);
  await inLanes(LANES, misplaced.length, async (round) => {
    const args = misplaced[round] ?? [];
    const { exitCode, stdout } = await run(args);
    const shown = args.map((arg) => arg.replace(typed, '<typed>'));
    expect({ shown, exitCode, stdout }).toEqual({ shown, exitCode: 2, stdout: '' });
  });
  const config = join(folder, 'config.yaml');
  await writeFile(config, `apikeys:\n  actor: ${typed}\n  prefix: ${typed}\n`);
  expect((await run(['list', '--config', config, '--debug'])).exitCode).toBe(2);
  expect((await run(['list', '--debug'], { env: { APIKEYS_ACTOR: typed } })).exitCode).toBe(2);
});

test('have left no raw key anywhere but once on the stdout of its own create', async () => {
  const stdout = traces.stdout.join('\n');
  const keys = stdout.match(KEY) ?? [];
  expect(keys.length).toBeGreaterThan(10);
  expect(new Set(keys).size).toBe(keys.length);

  const places = {
    dump: await dumpEverything(url),
    log: await cluster.log(),
    stderr: traces.stderr.join('\n'),
    'command lines': [...traces.commandLines].join('\n'),
  };
  // What may be found must be, or this looks in the wrong places.
  const [kept = ''] = keys.filter((key) => places.dump.includes(hashOf(key)));
  for (const place of [places.dump, places.log]) {
    expect(place).toContain(hashOf(kept));
    expect(place).toContain(kept.slice(0, 11));
  }
  if (process.platform === 'linux')
    expect(places['command lines']).toMatch(/apikeys\.js.create.made as table/s);

  const hits = [...keys, typed].flatMap((key) =>
    Object.entries(places).flatMap(([place, text]) =>
      shapesOf(key)
        .filter((shape) => text.includes(shape))
        .map((shape) => `${place}: ${shape.slice(0, 12)}…`),
    ),
  );
  expect(hits).toEqual([]);
  expect(stdout).not.toContain(typed);
  // What the server says about a statement can hold the hash, so it is told to nobody either.
  expect(keys.map(hashOf).filter((hash) => places.stderr.includes(hash))).toEqual([]);
});
