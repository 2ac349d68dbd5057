import { beforeAll, describe, expect, test } from 'vitest';
import type { KeyJson } from '../../src/representation/schemas/key.js';
import type { CreateJson } from '../../src/representation/schemas/key-secrets.js';
import { newOwner, useCli } from './apikeys.js';

const COLUMNS =
  'id,key_prefix,name,owner_id,status,scopes,expires_at,last_used_at,created_at,tenant_id,total_requests,limits';

const cli = useCli();
const owner = newOwner();
let keys: CreateJson[];

beforeAll(async () => {
  keys = [
    await cli.create('plain', ['--owner', owner, '--scope', 'read,orders:*']),
    await cli.create('=1+1', ['--owner', owner, '--expires', 'never']),
    await cli.create('back\\slash, "quoted"', ['--owner', owner]),
  ];
  // What no new name may hold can be there all the same: written by hand, or by an older program.
  await cli.database.query(`ALTER TABLE apikeys.keys DROP CONSTRAINT keys_name_ok`);
  await cli.database.query(
    `UPDATE apikeys.keys SET name = E'tab\\tline\\n\\x1b[31mred\\u202e' WHERE name = 'plain'`,
  );
});

const list = async (...more: string[]): Promise<string> => {
  const { stdout, stderr, exitCode } = await cli.apikeys(['list', '--owner', owner, ...more]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout;
};

describe.each([
  ['a page', []],
  ['all pages', ['--all']],
])('%s', (_what, more) => {
  test('as tsv, the default without a terminal, has no header and a line a key', async () => {
    const text = await list(...more);
    expect(text).toBe(await list('-o', 'tsv', ...more));
    const rows = text
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.split('\t'));
    expect(rows.map((row) => row.length)).toEqual([12, 12, 12]);
    expect(rows.map(([id]) => id)).toEqual(keys.map(({ id }) => id).reverse());
    expect(rows.map((row) => row[2])).toEqual([
      'back\\\\slash, "quoted"',
      '=1+1',
      'tab\\tline\\n\\x1b[31mred\\xe2\\x80\\xae',
    ]);
    const [, forever, plain] = rows;
    expect(forever?.[6]).toBe('');
    expect(plain?.slice(3, 7)).toEqual([owner, 'active', 'orders:*,read', keys[0]?.expires_at]);
  });

  test('as csv has a header, quotes where needed and defuses formulas', async () => {
    const [header, ...rows] = (await list('-o', 'csv', ...more)).trimEnd().split('\n');
    expect(header).toBe(COLUMNS);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toContain(',"back\\slash, ""quoted""",');
    expect(rows[1]).toContain(`,"'=1+1",`);
    expect(rows[2]).not.toMatch(/[\u0000-\u001f\u202e]/);
  });

  test('as ndjson is one key a line, the same as in the JSON', async () => {
    const lines = (await list('-o', 'ndjson', ...more)).trimEnd().split('\n');
    const { keys: inJson } = JSON.parse(await list('--json', ...more)) as { keys: KeyJson[] };
    expect(lines.map((line) => JSON.parse(line))).toEqual(inJson);
    expect(inJson.map(({ name }) => name)[2]).toBe('tab\tline\n\u001b[31mred\u202e');
  });

  test('quietly is the ids alone', async () => {
    expect(await list('-q', ...more)).toBe(
      keys
        .map(({ id }) => `${id}\n`)
        .reverse()
        .join(''),
    );
  });

  test('as a table has no control character of the database’s', async () => {
    const text = await list('-o', 'table', ...more);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain('tab\\tline\\n\\x1b[31mred\\u{202e}');
  });

  test('of nothing prints nothing to a script', async () => {
    for (const format of [['-o', 'tsv'], ['-o', 'ndjson'], ['-q']]) {
      const nobody = await cli.apikeys(['list', '--owner', 'nobody', ...format, ...more]);
      expect(nobody).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    }
    const csv = await cli.apikeys(['list', '--owner', 'nobody', '-o', 'csv', ...more]);
    expect(csv.stdout).toBe(`${COLUMNS}\n`);
    const json = await cli.apikeys(['list', '--owner', 'nobody', '--json', ...more]);
    expect(JSON.parse(json.stdout)).toEqual({ keys: [], next_cursor: null });
  });
});

test('pages of one follow each other by next_cursor to the end', async () => {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { keys: KeyJson[]; next_cursor: string | null } = JSON.parse(
      await list('--json', '--limit', '1', ...(cursor === null ? [] : ['--cursor', cursor])),
    );
    seen.push(...page.keys.map(({ id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(seen).toEqual(keys.map(({ id }) => id).reverse());
});

test('a count is the number alone, in every form', async () => {
  expect(await list('--count')).toBe('3\n');
  expect(await list('--count', '-q')).toBe('3\n');
  expect(await list('--count', '-o', 'csv')).toBe('count\n3\n');
  expect(await list('--count', '-o', 'ndjson')).toBe('{"count":3}\n');
  expect(JSON.parse(await list('--count', '--json'))).toEqual({ count: 3 });
});

test('create -q prints the raw key and nothing else', async () => {
  const { stdout, stderr } = await cli.apikeys([
    'create',
    'ci',
    '--owner',
    newOwner(),
    '-q',
    '--tenant',
    'new-one',
  ]);
  expect(stdout).toMatch(/^rv_[0-9a-f]{64}\n$/);
  expect(stderr).toBe('');
});

test('revoke -q prints the ids, show -q the id, migrate -q nothing', async () => {
  const { id } = await cli.create();
  expect((await cli.apikeys(['show', id, '-q'])).stdout).toBe(`${id}\n`);
  expect((await cli.apikeys(['revoke', id, '-q', '--yes'])).stdout).toBe(`${id}\n`);
  const migrated = await cli.apikeys(['migrate', '-q']);
  expect(migrated).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
});

test('an empty table says on stderr how to make a key', async () => {
  const { stdout, stderr } = await cli.apikeys(['list', '--tenant', 'empty', '-o', 'table']);
  expect(stdout).not.toContain('apikeys');
  expect(stderr).toMatch(/No keys/);
});
