import { beforeAll, describe, expect, test } from 'vitest';
import { withCursor } from '../../src/cli/output/next-page.js';
import { overUrl } from '../helpers/run-sql.js';
import { insert, population } from '../integration/life/population.js';
import { useCli } from './apikeys.js';

const KEYS = 302;

const cli = useCli();
beforeAll(() => overUrl(cli.database.url, (rows) => insert(rows, population(KEYS))));

/** What each form has beside the rows. */
const FORMS = [
  [['-o', 'tsv'], 0],
  [['-o', 'csv'], 1],
  [['-o', 'ndjson'], 0],
  [['-q'], 0],
  [['-q', '-o', 'table'], 0],
] as const;

const linesOf = async (...args: string[]): Promise<string[]> => {
  const { stdout, stderr, exitCode } = await cli.apikeys(args);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout.trimEnd().split('\n');
};

describe.each(FORMS)('%s', (form, header) => {
  test('list and audit give everything', async () => {
    const { count } = await cli.json<{ count: number }>(['list', '--count']);
    expect(count).toBe(KEYS);
    const lines = await linesOf('list', ...form);
    expect(lines).toHaveLength(KEYS + header);
    expect(new Set(lines).size).toBe(KEYS + header);
    const [{ events = 0 } = {}] = await cli.database.query<{ events: number }>(
      'SELECT count(*)::int AS events FROM apikeys.audit_events',
    );
    expect(await linesOf('audit', ...form)).toHaveLength(Math.max(1, events + header));
  });

  test('--limit says how much', async () => {
    expect(await linesOf('list', ...form, '--limit', '7')).toHaveLength(7 + header);
  });

  test('--cursor alone gives all that follows', async () => {
    const { next_cursor } = await cli.json<{ next_cursor: string }>(['list', '--limit', '100']);
    expect(await linesOf('list', ...form, '--cursor', next_cursor)).toHaveLength(KEYS - 100 + header);
  });
});

test('a JSON page has 50 and the cursor of the next one', async () => {
  const page = await cli.json<{ keys: unknown[]; next_cursor: string | null }>(['list']);
  expect(page.keys).toHaveLength(50);
  expect(page.next_cursor).toMatch(/^[\w-]+$/);
});

describe('a table', () => {
  const table = (...args: string[]) => cli.apikeys(['list', '-o', 'table', ...args], { terminal: true });
  const nextOf = (stderr: string): string => /^ {2}apikeys (.*)$/m.exec(stderr)?.[1] ?? '';

  test('says how many there are, and the next page is one line that can be run', async () => {
    const first = await table('--sort', 'name', '--limit', '200');
    expect(first.stderr).toContain(`200 of ${KEYS} keys`);
    const next = nextOf(first.stderr);
    expect(next).toMatch(/^list -o table --sort name --limit 200 --cursor [\w-]+$/);
    const second = await cli.apikeys(next.split(' '), { terminal: true });
    const names = (text: string) => text.trimEnd().split('\n').slice(1);
    expect(names(first.stdout).length + names(second.stdout).length).toBe(KEYS);
    expect(second.stderr).not.toContain('--cursor');
  });

  test('counts what matches, not all there are', async () => {
    const { count } = await cli.json<{ count: number }>(['list', '--owner', 'alice', '--count']);
    const { stderr } = await table('--owner', 'alice', '--limit', '2');
    expect(stderr).toContain(`2 of ${count} keys`);
  });

  test('of the trail says it as well', async () => {
    for (const name of ['one', 'two']) await cli.create(name);
    const { stderr } = await cli.apikeys(['audit', '-o', 'table', '--limit', '1'], { terminal: true });
    expect(stderr).toMatch(/^1 of \d+ events/m);
    expect(nextOf(stderr)).toMatch(/^audit -o table --limit 1 --cursor [\w-]+$/);
  });
});

test('what ends soon is listed by its end, soonest first, unless told otherwise', async () => {
  const ends = async (...args: string[]) => {
    const { keys } = await cli.json<{ keys: { expires_at: string; created_at: string }[] }>([
      'list',
      '--expiring-within',
      '30d',
      '--all',
      ...args,
    ]);
    return keys;
  };
  const soonest = (await ends()).map(({ expires_at }) => expires_at);
  expect(soonest.length).toBeGreaterThan(2);
  expect(soonest).toEqual([...soonest].sort());
  const created = (await ends('--sort', 'created')).map(({ created_at }) => created_at);
  expect(created).toEqual([...created].sort());
});

test('the next command keeps all that was typed but the cursor', () => {
  expect(withCursor(['--tenant', 'a b', 'list', '--cursor', 'old', '--limit', '5'], 'new')).toBe(
    "apikeys --tenant 'a b' list --limit 5 --cursor new",
  );
  expect(withCursor(['list', '--cursor=old'], 'new')).toBe('apikeys list --cursor new');
});
