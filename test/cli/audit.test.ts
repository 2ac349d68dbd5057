import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditJson, AuditVerifyJson } from '../../src/representation/schemas/audit.js';
import type { EventJson } from '../../src/representation/schemas/event.js';
import { startCluster } from '../helpers/cluster.js';
import { testDatabase, testRole } from '../helpers/database.js';
import { faultsByZod } from '../helpers/json-schemas.js';
import { type RunningProgram, runApikeys, startApikeys } from '../helpers/program.js';
import { laterVersion } from '../integration/db/packages.js';
import { errorOf, newOwner, useCli } from './apikeys.js';

const cli = useCli();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-audit-'));
});
afterAll(() => rm(folder, { recursive: true }));

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('audit', () => {
  test('gives a page as JSON, and the next one', async () => {
    const owner = newOwner();
    const { id } = await cli.create('ci', ['--owner', owner]);
    await cli.apikeys(['freeze', id, '--reason', 'incident']);
    const first = await cli.json<AuditJson>(['audit', '--owner', owner, '--limit', '2']);
    const second = await cli.json<AuditJson>([
      'audit',
      '--owner',
      owner,
      '--cursor',
      first.next_cursor ?? '',
    ]);
    for (const page of [first, second]) expect(faultsByZod('audit', page)).toEqual([]);
    expect([...first.events, ...second.events].map(({ action }) => action).toSorted()).toEqual([
      'key.created',
      'key.frozen',
      'owner.first_key',
    ]);
    expect(first.events[0]).toMatchObject({
      action: 'key.frozen',
      reason: 'incident',
      details: { until: null },
    });
    expect(second.next_cursor).toBeNull();
  });

  test('--actor asks who did it, wherever it stands', async () => {
    const owner = newOwner();
    await cli.create('ci', ['--owner', owner, '--actor', 'carol']);
    for (const args of [
      ['audit', '--actor', 'carol'],
      ['--actor', 'carol', 'audit'],
    ]) {
      const { events } = await cli.json<AuditJson>([...args, '--owner', owner]);
      expect(events).toHaveLength(2);
      expect((await cli.json<AuditJson>([...args, '--action', 'key.revoked'])).events).toEqual([]);
    }
    expect((await cli.json<AuditJson>(['audit', '--actor', 'dave', '--owner', owner])).events).toEqual([]);
  });

  test('tells the story of a key in words on a terminal, and in columns elsewhere', async () => {
    const { id, key_prefix } = await cli.create('ci');
    await cli.apikeys(['freeze', id, '--until', '2h', '--reason', 'seen in a log', '--actor', 'alice']);
    const table = await cli.apikeys(['audit', id, '-o', 'table'], { env: { COLUMNS: '110' } });
    expect(table.stdout).toContain(key_prefix);
    expect(table.stdout.replaceAll(/\s+/g, ' ')).toMatch(/frozen until .*, by alice: seen in a log/);
    expect(table.stdout).toMatch(/made as rv_/);
    const tsv = linesOf((await cli.apikeys(['audit', id])).stdout).map((line) => line.split('\t'));
    expect(tsv[0]?.slice(1, 6)).toEqual([id, expect.any(String), 'key.frozen', 'alice', 'seen in a log']);
    expect(JSON.parse(tsv[0]?.at(-1) ?? '')).toEqual({
      until: expect.any(String),
      frozen_at: expect.any(String),
    });
    const csv = await cli.apikeys(['audit', id, '-o', 'csv']);
    expect(csv.stdout.split('\n')[0]).toBe(
      'at,key_id,owner_id,action,actor,reason,tenant_id,db_role,seq,id,details',
    );
    expect(linesOf((await cli.apikeys(['audit', id, '-q'])).stdout)).toHaveLength(2);
  });

  test('tells what was done to the database, by whom, in words and as JSON', async () => {
    const database = await testDatabase();
    const role = await testRole(database);
    const env = { APIKEYS_DATABASE_URL: database.url, APIKEYS_ACTOR: 'deployer' };
    const { program } = laterVersion();
    const run = (args: string[], input?: string) =>
      runApikeys(args, { env, program, ...(input !== undefined && { input }) });
    try {
      await database.query('DROP SCHEMA apikeys CASCADE');
      await run(['migrate']);
      await run(['create', 'ci', '--owner', 'alice']);
      await run(['usage', 'record', 'ci', '--requests', '3', '--spend-cents', '4']);
      await run(['usage', 'import', '--import-id', 'log-7'], '{"key":"ci"}\n{"key":"ci","spend_cents":2}\n');
      await run(['grants', '--role', role.name, '--as', 'auditor', '--apply']);

      const page: AuditJson = JSON.parse((await run(['audit', '--json'])).stdout);
      expect(faultsByZod('audit', page)).toEqual([]);
      const ofDatabase = page.events.filter(({ owner_id }) => owner_id === '');
      expect(ofDatabase).toMatchObject([
        { action: 'role.granted', actor: 'deployer', tenant_id: '', key_id: null },
        { action: 'usage.imported', actor: 'deployer', tenant_id: '', key_id: null },
        { action: 'schema.migrated', actor: 'deployer', tenant_id: '', key_id: null },
      ]);

      const { stdout } = await run(['audit', '-o', 'table']);
      const words = stdout.replaceAll(/\s+/g, ' ');
      expect(words).toContain(`role ${role.name} granted the work of auditor, by deployer`);
      expect(words).toContain('usage imported: 2 lines of log-7, 2 requests, 2 cents, by deployer');
      expect(words).toContain('usage added by hand: 3 requests, 4 cents, by deployer');
      expect(words).toMatch(/schema migrated: versions 1, 2, 3.*by deployer/);
      expect(words.match(/the database/g)).toHaveLength(3);
      expect((await run(['audit', '--tenant', 'default', '-o', 'table'])).stdout).not.toContain('database');

      const heads = await run(['audit', 'head']);
      const file = join(folder, 'heads-of-database.ndjson');
      await writeFile(file, heads.stdout);
      expect(await run(['audit', 'verify', '--head', file])).toMatchObject({ exitCode: 0 });
      await database.query(`DELETE FROM apikeys.audit_events WHERE owner_id = ''`);
      await database.query(`DELETE FROM apikeys.owners WHERE owner_id = ''`);
      const removed = await run(['audit', 'verify', '--head', file, '-o', 'table'], undefined);
      expect(removed.exitCode).toBe(5);
      expect(removed.stdout).toMatch(/owner +the database .*missing/);
    } finally {
      await database.drop();
      await role.drop();
    }
  });

  test('--all streams everything', async () => {
    const { stdout, exitCode } = await cli.apikeys(['audit', '--all', '-o', 'ndjson']);
    const [{ count } = { count: -1 }] = await cli.database.query<{ count: number }>(
      'SELECT count(*)::int FROM apikeys.audit_events',
    );
    expect(exitCode).toBe(0);
    expect(linesOf(stdout).map((line) => JSON.parse(line))).toHaveLength(count);
    const whole = await cli.json(['audit', '--all']);
    expect(faultsByZod('audit', whole)).toEqual([]);
  });

  test('a key named head can be asked for by its id and its prefix', async () => {
    const { id, key_prefix } = await cli.create('head');
    for (const name of [id, key_prefix]) {
      const { events } = await cli.json<AuditJson>(['audit', name]);
      expect(events.map((event) => event.key_id)).toEqual([id]);
    }
    expect((await cli.apikeys(['audit', '--help'])).stdout).toMatch(/Named like a command/);
  });

  test.each([
    [['audit', 'nobody'], 3, 'KEY_NOT_FOUND'],
    [['audit', '--action', 'key.revokd'], 2, 'INVALID_INPUT'],
    [['audit', '--since', 'yesterday'], 2, 'INVALID_INPUT'],
    [['audit', '--all', '--limit', '3'], 2, 'INVALID_USAGE'],
    [['audit', '--follow', '--all'], 2, 'INVALID_USAGE'],
    [['audit', '--follow', '--until', '1h'], 2, 'INVALID_USAGE'],
    [['audit', 'head', '--owner', 'alice'], 2, 'INVALID_USAGE'],
    [['audit', 'verify', '--all'], 2, 'INVALID_USAGE'],
    [['audit', 'head', 'more'], 2, 'INVALID_USAGE'],
    [['audit', 'verify', '--hed', 'x'], 2, 'INVALID_USAGE'],
    [['audit', '--follow', 'nobody'], 3, 'KEY_NOT_FOUND'],
  ])('%j fails with exit %i', async (args, exitCode, code) => {
    const result = await cli.apikeys([...args, '--json']);
    expect({ exitCode: result.exitCode, code: errorOf(result).code }).toEqual({ exitCode, code });
  });
});

describe('audit head and audit verify', () => {
  const saved = async (): Promise<string> => {
    const path = join(folder, `heads-${Math.random()}.ndjson`);
    const { stdout, stderr, exitCode } = await cli.apikeys(['audit', 'head']);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    await writeFile(path, stdout);
    return path;
  };

  test('every line fits the schema, whatever format was asked for that has lines', async () => {
    await cli.create();
    const { stdout } = await cli.apikeys(['audit', 'head']);
    const lines = linesOf(stdout).map((line) => JSON.parse(line));
    for (const line of lines) expect(faultsByZod('audit-head', line)).toEqual([]);
    expect(lines.at(-1).chains).toBe(lines.length - 1);
    for (const form of [['--json'], ['-o', 'ndjson'], ['-q']]) {
      const again = linesOf((await cli.apikeys(['audit', 'head', ...form])).stdout);
      expect(again.slice(0, -1)).toEqual(linesOf(stdout).slice(0, -1));
    }
    expect(await cli.apikeys(['audit', 'head', '-o', 'csv'])).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('a trail that holds: exit 0, in words, in JSON, and in silence', async () => {
    const { id } = await cli.create();
    const heads = await saved();
    await cli.apikeys(['revoke', id, '--yes']);
    for (const args of [
      ['audit', 'verify'],
      ['audit', 'verify', '--head', heads],
    ]) {
      expect(await cli.apikeys(args)).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
      const table = await cli.apikeys([...args, '-o', 'table']);
      expect(table.stdout).toMatch(/^Every chain holds: [\d,]+ chains, [\d,]+ events\.\n$/);
      const verdict = await cli.json<AuditVerifyJson>(args);
      expect(faultsByZod('audit-verify', verdict)).toEqual([]);
      expect(verdict).toMatchObject({ valid: true, broken: [], broken_count: 0 });
    }
  });

  test('in parts, each of which goes on where the one before stopped', async () => {
    const { id, name } = await cli.create();
    await cli.create();
    await cli.database.query(`UPDATE apikeys.keys SET name = 'x' WHERE id = $1`, [id]);
    try {
      const exitCodes: (number | null)[] = [];
      let broken = '';
      for (let cursor: readonly string[] | undefined = []; cursor !== undefined; ) {
        const args = ['audit', 'verify', '--max-runtime', '0', ...cursor];
        const { exitCode, stdout, stderr } = await cli.apikeys(args);
        exitCodes.push(exitCode);
        broken += stdout;
        const [, next] = /^Time was up\..* --resume (\S+)\n$/s.exec(stderr) ?? [];
        if (next === undefined) expect(stderr).toBe('');
        cursor = next === undefined ? undefined : ['--resume', next];
      }
      expect(broken).toMatch(new RegExp(`^key\tdefault\t\\S+\t${id}\t1\tstate\tname\n$`));
      const whole = await cli.apikeys(['audit', 'verify', '--json']);
      const { chains } = JSON.parse(whole.stdout);
      expect(exitCodes).toHaveLength(chains);
      expect(exitCodes.toSorted()).toEqual(exitCodes);
      expect(exitCodes.at(-1)).toBe(5);

      const { stdout, exitCode } = await cli.apikeys(['audit', 'verify', '--max-runtime', '0', '--json']);
      const { next_cursor } = JSON.parse(stdout);
      expect({ exitCode, next_cursor }).toEqual({
        exitCode: expect.any(Number),
        next_cursor: expect.any(String),
      });
      const other = await cli.apikeys(['audit', 'verify', '--chain-only', '--resume', next_cursor, '--json']);
      expect(other.exitCode).toBe(2);
      expect(JSON.parse(other.stderr).error.hint).toMatch(/--head and --chain-only that it was made with/);
    } finally {
      await cli.database.query('UPDATE apikeys.keys SET name = $1 WHERE id = $2', [name, id]);
    }
  });

  test('a trail that was tampered with: exit 5, and the place is named', async () => {
    const { id, owner_id } = await cli.create();
    const heads = await saved();
    const spoil = (actor: string) =>
      cli.database.query('UPDATE apikeys.audit_events SET actor = $1 WHERE key_id = $2', [actor, id]);
    const [{ actor } = { actor: '' }] = await cli.database.query<{ actor: string }>(
      'SELECT actor FROM apikeys.audit_events WHERE key_id = $1',
      [id],
    );
    await spoil('nobody');
    try {
      const place = {
        chain: 'key',
        tenant_id: 'default',
        owner_id,
        key_id: id,
        seq: 1,
        fault: 'hash',
        field: null,
      };
      const { exitCode, stdout, stderr } = await cli.apikeys(['audit', 'verify', '--json', '--head', heads]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 5, stderr: '' });
      const verdict = JSON.parse(stdout);
      expect(faultsByZod('audit-verify', verdict)).toEqual([]);
      expect(verdict).toMatchObject({ valid: false, broken: [place], broken_count: 1 });
      const table = await cli.apikeys(['audit', 'verify', '-o', 'table']);
      expect(table.exitCode).toBe(5);
      expect(table.stdout).toMatch(/altered/);
      expect(table.stdout).toMatch(/broken in one place/);
      expect((await cli.apikeys(['audit', 'verify'])).stdout).toBe(
        `key\tdefault\t${owner_id}\t${id}\t1\thash\t\n`,
      );
      expect(await cli.apikeys(['audit', 'verify', '-q'])).toMatchObject({ exitCode: 5, stdout: '' });
      // The walls of a tenant hold here, too.
      expect(await cli.apikeys(['audit', 'verify', '--tenant', 'elsewhere'])).toMatchObject({ exitCode: 0 });
    } finally {
      await spoil(actor);
    }
    expect(await cli.apikeys(['audit', 'verify'])).toMatchObject({ exitCode: 0 });
  });

  test('a row that is not what its events say: exit 5, and what differs is named', async () => {
    const { id, owner_id } = await cli.create();
    await cli.database.query(`UPDATE apikeys.keys SET scopes = '{*}' WHERE id = $1`, [id]);
    try {
      const { exitCode, stdout } = await cli.apikeys(['audit', 'verify', '--json']);
      expect(exitCode).toBe(5);
      const verdict = JSON.parse(stdout);
      expect(faultsByZod('audit-verify', verdict)).toEqual([]);
      expect(verdict.broken).toMatchObject([{ key_id: id, owner_id, fault: 'state', field: 'scopes' }]);
      expect((await cli.apikeys(['audit', 'verify', '-o', 'table'])).stdout.replaceAll(/\s+/g, ' ')).toMatch(
        /the row is not what the events say/,
      );
      expect(await cli.apikeys(['audit', 'verify', '--chain-only'])).toMatchObject({ exitCode: 0 });
    } finally {
      await cli.database.query(`UPDATE apikeys.keys SET scopes = '{}' WHERE id = $1`, [id]);
    }
  });

  test('a key whose chain is broken is revoked all the same, and the command says so', async () => {
    const [{ id }, { id: other }] = [await cli.create(), await cli.create()];
    const damage = `UPDATE apikeys.keys SET audit_hash = sha256('x') WHERE id = ANY($1)`;
    await cli.database.query(damage, [[id, other]]);
    try {
      const scopes = await cli.apikeys(['scopes', id, '--add', '*', '--json']);
      expect({ exitCode: scopes.exitCode, code: errorOf(scopes).code }).toEqual({
        exitCode: 4,
        code: 'AUDIT_CHAIN_BROKEN',
      });
      const revoked = await cli.apikeys(['revoke', id, '--yes']);
      expect(revoked).toMatchObject({ exitCode: 0 });
      expect(revoked.stderr.replaceAll(/\s+/g, ' ')).toMatch(
        new RegExp(`the audit trail of key ${id} was found broken.*audit verify`),
      );
      const frozen = await cli.apikeys(['freeze', other, '--json']);
      expect({ exitCode: frozen.exitCode, stderr: frozen.stderr }).toEqual({ exitCode: 0, stderr: '' });
      const document = JSON.parse(frozen.stdout);
      expect(faultsByZod('freeze', document)).toEqual([]);
      expect(document).toMatchObject({ changed: 1, broken_chains: [{ chain: 'key', key_id: other }] });
      expect((await cli.apikeys(['audit', 'verify'])).stdout).toMatch(/\tsegment\t/);
    } finally {
      for (const table of ['audit_events', 'secrets']) {
        await cli.database.query(`DELETE FROM apikeys.${table} WHERE key_id = ANY($1)`, [[id, other]]);
      }
      await cli.database.query('DELETE FROM apikeys.keys WHERE id = ANY($1)', [[id, other]]);
    }
  });

  test('a key that vanished with all its events is found against saved heads', async () => {
    const { id } = await cli.create();
    const heads = await saved();
    for (const table of ['audit_events', 'secrets']) {
      await cli.database.query(`DELETE FROM apikeys.${table} WHERE key_id = $1`, [id]);
    }
    await cli.database.query('DELETE FROM apikeys.keys WHERE id = $1', [id]);
    expect(await cli.apikeys(['audit', 'verify'])).toMatchObject({ exitCode: 0 });
    const result = await cli.apikeys(['audit', 'verify', '--head', heads, '--json']);
    expect(result.exitCode).toBe(5);
    expect(JSON.parse(result.stdout).broken).toMatchObject([{ key_id: id, fault: 'missing' }]);
  });

  test.each<[string, (text: string) => string, RegExp]>([
    ['cut off', (text) => text.slice(0, -70), /damaged: line \d+ is not a head/],
    [
      'without its last line',
      (text) => text.replace(/[^\n]+\n$/, ''),
      /its end is missing, so it was cut off/,
    ],
    ['with a digit changed', (text) => text.replace(/"hash":"./, '"hash":"z'), /line 1 is not a head/],
    ['that is one line without an end', () => 'x'.repeat(200_000), /is no text of lines/],
    ['that is empty', () => '', /it is empty/],
  ])('a file of heads %s is refused with exit 2', async (_what, damage, message) => {
    await cli.create();
    const heads = await saved();
    await writeFile(heads, damage(await readFile(heads, 'utf8')));
    const result = await cli.apikeys(['audit', 'verify', '--head', heads, '--json']);
    expect(result.exitCode).toBe(2);
    expect(errorOf(result)).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(message) });
  });

  test('a file of heads that is not there is named', async () => {
    for (const [path, reason] of [
      [join(folder, 'none'), /it does not exist/],
      [folder, /it is a folder/],
    ] as const) {
      const result = await cli.apikeys(['audit', 'verify', '--head', path, '--json']);
      expect(errorOf(result).message).toMatch(reason);
      expect(result.exitCode).toBe(2);
    }
  });
});

describe('audit --follow', () => {
  const start = (args: readonly string[], options: Parameters<typeof startApikeys>[1] = {}) =>
    startApikeys(['audit', '--follow', ...args], {
      ...options,
      env: { APIKEYS_DATABASE_URL: cli.database.url, ...options.env },
    });

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error('it did not come about in time');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const shows = (running: RunningProgram, lines: number): Promise<void> =>
    until(() => linesOf(running.stdout()).length >= lines);

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('prints each event once, one object a line, until %s ends it with %i', async (name, code) => {
    const owner = newOwner();
    await cli.create('first', ['--owner', owner]);
    const running = await start(['--owner', owner, '--since', '1h', '--json']);
    await shows(running, 2);
    const { id } = await cli.create('second', ['--owner', owner]);
    await cli.apikeys(['freeze', id]);
    await shows(running, 4);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    running.kill(name);
    const { exitCode, signal, stdout, stderr } = await running.result;
    expect({ exitCode, signal, stderr }).toEqual({ exitCode: code, signal: null, stderr: '' });
    const events = linesOf(stdout).map((line) => JSON.parse(line));
    expect(events.map(({ action }) => action)).toEqual([
      'key.created',
      'owner.first_key',
      'key.created',
      'key.frozen',
    ]);
    expect(faultsByZod('audit', { events, next_cursor: null })).toEqual([]);
  });

  test.each([
    ['tsv', [], (line: string) => line.split('\t')[3]],
    ['words', ['-o', 'table'], (line: string) => /(made as|first key)/.exec(line)?.[1]],
    ['csv', ['-o', 'csv'], (line: string) => line.split(',')[3]],
  ] as const)('as %s', async (form, args, wordOf) => {
    const owner = newOwner();
    await cli.create('first', ['--owner', owner]);
    const running = await start(['--owner', owner, '--since', '1h', ...args]);
    const header = form === 'csv' ? 1 : 0;
    await shows(running, 2 + header);
    await cli.create('second', ['--owner', owner]);
    await shows(running, 3 + header);
    running.kill('SIGINT');
    const words = linesOf((await running.result).stdout)
      .slice(header)
      .map(wordOf);
    expect(words).toEqual(
      form === 'words'
        ? ['made as', 'first key', 'made as']
        : ['key.created', 'owner.first_key', 'key.created'],
    );
  });

  test('ends quietly with exit 0 when its reader has gone', async () => {
    const owner = newOwner();
    await cli.create('first', ['--owner', owner]);
    const line = `{ apikeys audit --follow --owner ${owner} --since 1h; echo "exit $?" >&2; } | head -1`;
    let ended = false;
    const following = cli.shell(line).finally(() => {
      ended = true;
    });
    // Until it has begun, and writes once more than is read.
    for (let i = 0; !ended; i++) await cli.apikeys([i % 2 === 0 ? 'freeze' : 'unfreeze', '--owner', owner]);
    const { stdout, stderr } = await following;
    expect(linesOf(stdout)).toHaveLength(1);
    expect(stderr).toBe('exit 0\n');
  });

  test('SIGTERM ends it although its reader sleeps', async () => {
    await cli.database.query(`
      INSERT INTO apikeys.audit_events
      SELECT gen_random_uuid(), 1, date_trunc('milliseconds', now()), 'flood', 'r', 'key.revoked', 'default', 'flood', gen_random_uuid(),
             repeat('x', 500), '{}', NULL, sha256('x') FROM generate_series(1, 900)`);
    const { stderr } = await cli.shell(`
      dir=$(mktemp -d); mkfifo "$dir/pipe"
      "$NODE" "$PROGRAM" audit --follow --actor flood --since 1h > "$dir/pipe" & pid=$!
      exec 3< "$dir/pipe"; sleep 2.5; kill -TERM $pid; wait $pid; echo "exit $?" >&2; rm -r "$dir"`);
    expect(stderr).toMatch(/exit 143\n$/);
    await cli.database.query(`DELETE FROM apikeys.audit_events WHERE actor = 'flood'`);
  });

  test('on the embedded database, leaves room for others that make keys meanwhile', async () => {
    const env = { APIKEYS_DATABASE_URL: `embedded:${join(folder, 'embedded')}` };
    const make = (name: string) => runApikeys(['create', name, '--owner', 'alice'], { env });
    expect(await make('first')).toMatchObject({ exitCode: 0 });
    const running = await start(['--since', '1h', '-o', 'ndjson'], { env, timeout: 120_000 });
    await shows(running, 3);
    for (const name of ['second', 'third', 'fourth']) expect(await make(name)).toMatchObject({ exitCode: 0 });
    await shows(running, 6);
    running.kill('SIGINT');
    const { exitCode, stdout } = await running.result;
    expect(exitCode).toBe(130);
    const lines: EventJson[] = linesOf(stdout).map((line) => JSON.parse(line));
    expect(lines[0]?.action).toBe('schema.migrated');
    const names = lines.slice(1).map(({ details }) => details.name);
    expect(names).toEqual(['first', undefined, 'second', 'third', 'fourth']);
    expect(await runApikeys(['audit', 'verify'], { env })).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('goes on when the database was away for a while', async () => {
    const cluster = await startCluster({ durable: true });
    try {
      const env = { APIKEYS_DATABASE_URL: cluster.url('postgres') };
      const make = () => runApikeys(['create', 'ci', '--owner', 'alice'], { env });
      expect(await runApikeys(['migrate'], { env })).toMatchObject({ exitCode: 0 });
      expect(await make()).toMatchObject({ exitCode: 0 });
      const running = await start(['--since', '1h'], { env });
      await shows(running, 3);
      await cluster.kill9();
      await until(() => running.stderr().includes('trying again'));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await cluster.restart();
      expect(await make()).toMatchObject({ exitCode: 0 });
      await shows(running, 4);
      running.kill('SIGINT');
      const { exitCode, stdout, stderr } = await running.result;
      expect(exitCode).toBe(130);
      expect(linesOf(stdout)).toHaveLength(4);
      expect(stderr).toMatch(/^note: [^\n]+; trying again until it is back\nnote: the database is back\n$/);
    } finally {
      await cluster.stop();
    }
  });

  test('fails at once when there is no database from the start', async () => {
    const env = { APIKEYS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    expect(await runApikeys(['audit', '--follow'], { env })).toMatchObject({ exitCode: 6, stdout: '' });
  });
});
