import { expect, test } from 'vitest';
import { makeSecret } from '../../src/domain/secret.js';
import { dumpEverything } from '../helpers/dump.js';
import { errorOf, useCli } from './apikeys.js';

const cli = useCli();
const SECRET = makeSecret('rv_', 32);
const create = (...more: string[]): string[] => ['create', 'ci', '--owner', 'alice', ...more];

const PLACES: readonly (readonly [where: string, args: readonly string[]])[] = [
  ['the key to show', ['show', SECRET]],
  ['a key to revoke', ['revoke', 'ci', SECRET, '--yes']],
  ['the name', ['create', SECRET, '--owner', 'alice']],
  ['the owner', ['create', 'ci', '--owner', SECRET]],
  ['the owner, after =', ['create', 'ci', `--owner=${SECRET}`]],
  ['a scope', create('--scope', SECRET)],
  ['the lifetime', create('--expires', SECRET)],
  ['the description', create('--description', `the key is ${SECRET}.`)],
  ['metadata', create('--metadata', `note=${SECRET}`)],
  ['the name of metadata', create('--metadata', `${SECRET}=x`)],
  ['the tenant', create('--tenant', SECRET)],
  ['the actor', create('--actor', SECRET)],
  ['the reason', ['revoke', 'ci', '--yes', '--reason', `leaked: ${SECRET}`]],
  ['an owner to list', ['list', '--owner', SECRET]],
  ['a cursor', ['list', '--cursor', SECRET]],
  ['a status', ['list', '--status', SECRET]],
  ['a limit', ['list', '--limit', SECRET]],
  ['the configuration file', ['list', '--config', SECRET]],
  ['the file of the database URL', ['list', '--database-url-file', SECRET]],
  ['a command', [SECRET]],
  ['an unknown option', ['list', `--${SECRET}`]],
  ['an output format', ['list', '-o', SECRET]],
  ['a short option, glued to it', ['list', `-o${SECRET}`]],
  ['an argument too many', ['list', SECRET]],
];

test.each(PLACES)('a raw key as %s is refused and not repeated', async (_where, args) => {
  const plain = await cli.apikeys(args);
  const json = await cli.apikeys([...args, '--json', '--debug']);
  expect(plain.stderr).toMatch(
    /^apikeys: a raw key \(rv_[0-9a-f]{8}…\) does not belong on the command line.*history.*\nhint: .*rv_[0-9a-f]{8}.*stdin.*\n$/,
  );
  expect(errorOf(json).code).toBe('SECRET_IN_ARGUMENT');
  for (const { exitCode, stdout, stderr } of [plain, json]) {
    expect(exitCode).toBe(2);
    expect(`${stdout}${stderr}`).not.toContain(SECRET.slice(3, 19));
  }
});

test.each([
  ['of another prefix', makeSecret('acme_live_', 24)],
  ['with a digit mistyped', `${SECRET.slice(0, 20)}${SECRET[20] === '0' ? '1' : '0'}${SECRET.slice(21)}`],
  ['cut short', SECRET.slice(0, 40)],
  ['in capitals', SECRET.toUpperCase()],
])('a raw key %s is recognised too', async (_how, secret) => {
  const { exitCode, stderr } = await cli.apikeys(['show', secret]);
  expect(exitCode).toBe(2);
  expect(stderr).not.toContain(secret.slice(12, 28));
  expect(stderr).toMatch(/does not belong on the command line/);
});

test('a raw key of the configured prefix is recognised, cut short', async () => {
  const secret = makeSecret('acme_', 32).slice(0, 40);
  const { stderr } = await cli.apikeys(['show', secret], { env: { APIKEYS_PREFIX: 'acme_' } });
  expect(stderr).not.toContain(secret.slice(12, 28));
  expect(stderr).toMatch(/does not belong on the command line/);
});

test('a key prefix, an id and a long hexadecimal name are not mistaken for raw keys', async () => {
  const sha = 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3';
  for (const reference of ['rv_1a2b3c4d', '0190b6f2-7d1e-7b3a-8c54-5f0e6a7b8c9d', sha]) {
    const result = await cli.apikeys(['show', reference, '--json']);
    expect(errorOf(result).code).toBe('KEY_NOT_FOUND');
  }
});

test('nothing of it reaches the database', async () => {
  expect(await cli.keyCount()).toBe(0);
  expect(await dumpEverything(cli.database.url)).not.toContain(SECRET.slice(3, 19));
});
