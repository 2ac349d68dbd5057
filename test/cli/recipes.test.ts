import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PROGRAM } from '../helpers/program.js';
import { newOwner, useCli } from './apikeys.js';

const README = new URL('../../README.md', import.meta.url);
const NOBODY_LISTENS = 'postgres://nobody@127.0.0.1:1/app';

const cli = useCli();
let folder: string;
let store: string;
let repository: string;

/** Stands in for GitHub's: it stores what comes on stdin, the empty text included, unless it is told to be away. */
const GH = `#!/bin/sh
[ -z "$GH_IS_AWAY" ] || { echo 'gh: HTTP 502' >&2; exit 1; }
[ "$1 $2" = 'secret set' ] || exit 2
cat > "$STORE/$3"
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-recipes-'));
  await writeFile(join(folder, 'gh'), GH);
  await writeFile(join(folder, 'apikeys'), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
  for (const name of ['gh', 'apikeys']) await chmod(join(folder, name), 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  store = await mkdtemp(join(folder, 'store-'));
  repository = `org/${newOwner()}`;
});

/** The script of the step that has this name, as GitHub's runner has it once its expressions are evaluated. */
async function scriptOf(name: string): Promise<string> {
  const section = (await readFile(README, 'utf8')).split('\n## In CI\n')[1]?.split('\n## ')[0] ?? '';
  const [, lines = ''] =
    new RegExp(`- name: ${name}\\n(?: {8}if: .*\\n)? {8}run: \\|\\n((?: {10}.*\\n)+)`).exec(section) ?? [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is an expression of GitHub's.
  const script = lines.replaceAll(/^ {10}/gm, '').replaceAll('${{ github.repository }}', repository);
  expect(script).not.toBe('');
  expect(script).not.toContain('${{');
  return script;
}

const MAKE = 'Make the key and store it';
const ROTATE = 'Rotate the key and store its new secret';

async function step(name: string, more: Readonly<Record<string, string>> = {}) {
  return sh(await scriptOf(name), more);
}

async function sh(script: string, more: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout, stderr } = await execa('bash', ['-c', script], {
    env: {
      PATH: `${folder}:${process.env.PATH ?? ''}`,
      HOME: folder,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      STORE: store,
      APIKEYS_DATABASE_URL: cli.database.url,
      ...more,
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
  expect(`${stdout}${stderr}`).not.toMatch(/rv_[0-9a-f]{20}/);
  return exitCode;
}

const stored = () => readFile(join(store, 'DEPLOY_KEY'), 'utf8').catch(() => null);
const verdict = async (raw: string | null) =>
  JSON.parse((await cli.apikeys(['verify', '--json'], { input: raw ?? '' })).stdout).code;
const keys = async () =>
  (await cli.json<{ count: number }>(['list', '--owner', repository, '--count'])).count;

test('the key is made and stored, and a second run makes no second one', async () => {
  expect(await step(MAKE)).toBe(0);
  const first = await stored();
  expect(first).toMatch(/^rv_[0-9a-f]{64}$/);
  expect(await verdict(first)).toBe('VALID');
  expect(await step(MAKE)).toBe(0);
  expect(await verdict(await stored())).toBe('VALID');
  expect(await keys()).toBe(1);
});

test('a key whose secret could not be stored gets a new one in the next run', async () => {
  expect(await step(MAKE, { GH_IS_AWAY: '1' })).not.toBe(0);
  expect(await stored()).toBeNull();
  expect(await step(MAKE)).toBe(0);
  expect(await verdict(await stored())).toBe('VALID');
  expect(await keys()).toBe(1);
});

test('the rotation stores what works, twice over; the old secret works for its grace', async () => {
  await step(MAKE);
  const first = await stored();
  for (let run = 0; run < 2; run++) {
    expect(await step(ROTATE)).toBe(0);
    expect(await stored()).not.toBe(first);
    expect(await verdict(await stored())).toBe('VALID');
  }
  expect(await verdict(first)).toBe('VALID');
  expect(await keys()).toBe(1);
  // More often than a key may have secrets: it fails, and what is stored works.
  expect(await step(ROTATE)).toBe(4);
  expect(await verdict(await stored())).toBe('VALID');
});

test.each([
  ['the database is down', { APIKEYS_DATABASE_URL: NOBODY_LISTENS }, 6],
  ['no database is named', { APIKEYS_DATABASE_URL: '' }, 2],
  ['management is switched off', { APIKEYS_ENABLE_API_KEY_MANAGEMENT: 'false' }, 4],
  ['the store is down', { GH_IS_AWAY: '1' }, 1],
])('where %s, both steps fail and the stored secret stays, and works', async (_why, env, exitCode) => {
  await step(MAKE);
  const before = await stored();
  for (const name of [MAKE, ROTATE]) {
    // Without a word of its own to skip it: as if nobody knew that it is stored.
    expect(await step(name, env)).toBe(exitCode);
    expect(await stored()).toBe(before);
  }
  expect(await verdict(before)).toBe('VALID');
});

test('a revoked key of the same name does not hinder the one that took its place', async () => {
  await step(MAKE);
  const [{ id } = { id: '' }] = (await cli.json<{ keys: { id: string }[] }>(['list', '--owner', repository]))
    .keys;
  await cli.json(['revoke', id, '--yes']);
  await cli.create(`deploy ${repository}`, ['--owner', repository]);
  expect(await step(ROTATE)).toBe(0);
  expect(await verdict(await stored())).toBe('VALID');
});

test('the job fails on keys that expire soon, and when nobody can tell', async () => {
  const section = (await readFile(README, 'utf8')).split('\n## In CI\n')[1] ?? '';
  const [, script = ''] = /```sh\n(test "\$\(apikeys list[\s\S]*?)```/.exec(section) ?? [];
  expect(script).not.toBe('');
  const tenant = { APIKEYS_TENANT: repository };
  expect(await sh(script, tenant)).toBe(0);
  expect(await sh(script, { ...tenant, APIKEYS_DATABASE_URL: NOBODY_LISTENS })).not.toBe(0);
  await cli.create('soon', ['--tenant', repository, '--owner', repository, '--expires', '7d']);
  expect(await sh(script, tenant)).not.toBe(0);
});
