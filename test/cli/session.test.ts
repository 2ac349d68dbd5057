import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../helpers/database.js';
import { embeddedDatabase } from '../helpers/embedded.js';
import { runInProcess } from '../helpers/run-in-process.js';

/** One after the other, as an operator would; `{key}` is the prefix of the key that the first one made. */
const SESSION: readonly (readonly string[])[] = [
  ['create', 'CI deploy – é', '--owner', 'alice', '--scope', 'b,a', '--metadata', 'z=1', '--metadata', 'a=2'],
  ['create', 'second', '--owner', 'alice', '--tenant', 'acme', '--expires', 'never', '--description', 'd\ne'],
  ['create', 'past', '--owner', 'alice', '--expires', '2020-01-01T00:00:00Z'],
  ['list'],
  ['list', '--status', 'active', '--limit', '1'],
  ['list', '--count', '--owner', 'alice'],
  ['show', '{key}'],
  ['show', 'CI deploy – é', '--tenant', 'acme'],
  ['revoke', '{key}', 'nobody', '--yes'],
  ['revoke', '{key}', '--dry-run'],
  ['revoke', '{key}', '--yes', '--reason', 'left the team'],
  ['revoke', '{key}', '--yes', '--reason', 'again'],
  ['show', '{key}'],
  ['list', '--status', 'revoked'],
  ['list', '--all', '--owner', 'nobody'],
  ['migrate', '--status'],
  ['migrate'],
];

const ENGINES = ['PostgreSQL 18', 'PostgreSQL 15', 'the embedded engine'] as const;
const databases: TestDatabase[] = [];
const transcripts = new Map<string, unknown[]>();

beforeAll(async () => {
  databases.push(await testDatabase(), await testDatabase({ version: 15 }));
  const urls = [...databases.map(({ url }) => url), `embedded:${await embeddedDatabase()}`];
  // One after the other: while it works, the embedded engine lets nothing else of this process go on.
  for (const [index, engine] of ENGINES.entries()) transcripts.set(engine, await session(urls[index] ?? ''));
});
afterAll(() => Promise.all(databases.map((database) => database.drop())));

async function session(url: string): Promise<unknown[]> {
  const transcript: unknown[] = [];
  let key = '';
  for (const line of SESSION) {
    const args = line.map((argument) => argument.replace('{key}', key));
    const result = await runInProcess([...args, '--json'], {
      env: { APIKEYS_DATABASE_URL: url, APIKEYS_ACTOR: 'alice@desk' },
    });
    if (key === '') key = JSON.parse(result.stdout).key_prefix;
    transcript.push({
      line,
      exitCode: result.exitCode,
      stdout: result.stdout === '' ? '' : comparable(JSON.parse(result.stdout), key),
      stderr: result.stderr === '' ? '' : comparable(JSON.parse(result.stderr), key),
    });
  }
  return transcript;
}

/** The same document with what differs by nature between two runs replaced; lengths, nulls and order stay. */
function comparable(document: unknown, key: string): unknown {
  return JSON.parse(
    JSON.stringify(document)
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '(id)')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '(time)')
      .replaceAll(key, '(first prefix)')
      .replaceAll(/rv_[0-9a-f]{8}(?![0-9a-f])/g, '(prefix)')
      .replaceAll(/rv_[0-9a-f]{64}|\(first prefix\)[0-9a-f]{56}/g, '(secret)')
      .replaceAll(/"(next_cursor)":"[\w-]+"/g, '"$1":"(cursor)"')
      .replaceAll(/"secret_digest":"[0-9a-f]{64}"/g, '"secret_digest":"(digest)"')
      .replaceAll(/"(db_role|applied_by)":"\w+"/g, '"$1":"(role)"'),
  );
}

test('a session has the exit codes that the contract gives', () => {
  const codes = (transcripts.get('PostgreSQL 18') as { exitCode: number }[]).map(({ exitCode }) => exitCode);
  expect(codes).toEqual([0, 0, 2, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test.each(ENGINES.slice(1))('%s gives the same JSON as PostgreSQL 18, line by line', (engine) => {
  const expected = transcripts.get('PostgreSQL 18') ?? [];
  const found = transcripts.get(engine) ?? [];
  for (const [index, line] of expected.entries()) expect(found[index]).toEqual(line);
});
