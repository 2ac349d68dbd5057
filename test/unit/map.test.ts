import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test('the run that src/README.md follows passes through files that exist', () => {
  const [, run = ''] = /## One run[^\n]*\n([\s\S]*?)\n## /.exec(read('src/README.md')) ?? [];
  const files = [...run.matchAll(/`([\w./-]+\.[jt]s)`/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(10);
  expect(
    files.filter((file) => !existsSync(join(ROOT, 'src', file)) && !existsSync(join(ROOT, file))),
  ).toEqual([]);
});

test.each([
  'src/README.md',
  'test/README.md',
  '.github/CONTRIBUTING.md',
  '.github/SECURITY.md',
  '.github/decisions/README.md',
])('%s links to what exists, and names scripts that exist', (page) => {
  const text = read(page);
  const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !existsSync(join(ROOT, page, '..', link)))).toEqual([]);
  const { scripts } = JSON.parse(read('package.json'));
  const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
});
