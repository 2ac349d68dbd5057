import { expect, test } from 'vitest';
import type { ChangeJson } from '../../../src/representation/schemas/change.js';
import type { ShowJson } from '../../../src/representation/schemas/key-secrets.js';
import { errorOf, newOwner, useCli } from '../apikeys.js';

const cli = useCli();
const change = (...args: string[]) => cli.json<ChangeJson>(args);

test('freeze and unfreeze, each repeated, by prefix', async () => {
  const { id, key_prefix } = await cli.create();
  const frozen = await change('freeze', key_prefix, '--until', '2h', '--reason', 'leaked?');
  expect(frozen).toMatchObject({
    keys: [{ id, status: 'frozen', is_frozen: true, frozen_by_owner: false, frozen_reason: 'leaked?' }],
    changed: 1,
    dry_run: false,
    owner: null,
    impact: null,
  });
  const longer = await change('freeze', id, '--until', '8h');
  expect(longer).toMatchObject({ changed: 1, keys: [{ frozen_at: frozen.keys[0]?.frozen_at }] });
  const end = Date.parse(longer.keys[0]?.frozen_until ?? '');
  expect((end - Date.parse(longer.keys[0]?.frozen_at ?? '')) / 3_600_000).toBeGreaterThanOrEqual(8);
  expect(await change('freeze', id, '--until', '1h')).toEqual({ ...longer, changed: 0 });
  expect(await change('freeze', id)).toMatchObject({ changed: 1, keys: [{ frozen_until: null }] });
  expect(await change('unfreeze', id, '--reason', 'fine')).toMatchObject({
    changed: 1,
    keys: [{ status: 'active', is_frozen: false, frozen_at: null }],
  });
  expect(await change('unfreeze', id)).toMatchObject({ changed: 0 });
  const { events } = await cli.json<ShowJson>(['show', id]);
  expect(events.map(({ action, reason }) => [action, reason])).toEqual([
    ['key.unfrozen', 'fine'],
    ['key.frozen', null],
    ['key.frozen', null],
    ['key.frozen', 'leaked?'],
    ['key.created', null],
  ]);
});

test('a revoked key cannot be frozen: exit 4', async () => {
  const { id } = await cli.create();
  await change('revoke', id, '--yes');
  const refused = await cli.apikeys(['freeze', id, '--json']);
  expect(refused.exitCode).toBe(4);
  expect(errorOf(refused).code).toBe('KEY_REVOKED');
});

test('an owner that is frozen: its keys, its creates and its rotations', async () => {
  const owner = newOwner();
  const [one, two] = [await cli.create('a', ['--owner', owner]), await cli.create('b', ['--owner', owner])];
  const frozen = await change('freeze', '--owner', owner, '--until', '2h', '--reason', 'incident');
  expect(frozen).toMatchObject({
    changed: 1,
    owner: { tenant_id: 'default', owner_id: owner, is_frozen: true, frozen_reason: 'incident' },
    keys: [
      { id: one.id, status: 'frozen', frozen_by_owner: true },
      { id: two.id, status: 'frozen', frozen_by_owner: true },
    ],
  });
  const listed = await cli.json<ChangeJson>(['list', '--status', 'frozen', '--owner', owner]);
  expect(listed.keys).toEqual(frozen.keys.toReversed());
  const refused = await cli.apikeys(['create', 'c', '--owner', owner, '--json']);
  expect(refused.exitCode).toBe(4);
  expect(errorOf(refused).code).toBe('OWNER_FROZEN');
  expect(await cli.json(['rotate', one.id])).toMatchObject({ status: 'frozen', frozen_by_owner: true });
  expect(await change('unfreeze', '--owner', owner)).toMatchObject({
    changed: 1,
    owner: { is_frozen: false, frozen_at: null, frozen_until: null },
    keys: [{ status: 'active' }, { status: 'active' }],
  });
});

test('unfreezing a key of a frozen owner says that it stays frozen, exit 0', async () => {
  const owner = newOwner();
  const { id, key_prefix } = await cli.create('ci', ['--owner', owner]);
  await change('freeze', id);
  await change('freeze', '--owner', owner);
  const plain = await cli.apikeys(['unfreeze', id]);
  expect(plain.exitCode).toBe(0);
  expect(plain.stderr).toContain(`${key_prefix} (ci) stays frozen with its owner`);
  expect(plain.stderr).toContain(`apikeys unfreeze --owner ${owner}`);
  expect(await change('unfreeze', id)).toMatchObject({
    changed: 0,
    keys: [{ is_frozen: true, frozen_by_owner: true, status: 'frozen' }],
  });
});

test.each(["O'Brien & Co", '$HOME `id`', '-rf "*"'])(
  'the command that it names can be given to a shell as it stands: %s',
  async (owner) => {
    const { id } = await cli.create('ci', ['--owner', owner]);
    await change('freeze', id);
    await change('freeze', '--owner', owner);
    const { stderr } = await cli.apikeys(['unfreeze', id]);
    const [, command = ''] = /lift that with `(apikeys .*)`\n/.exec(stderr) ?? [];
    expect(await cli.shell(command)).toMatchObject({ exitCode: 0 });
    expect(await change('unfreeze', id)).toMatchObject({ keys: [{ is_frozen: false, owner_id: owner }] });
  },
);

test('unfreezing an owner says which keys stay frozen by themselves', async () => {
  const owner = newOwner();
  const own = await cli.create('own', ['--owner', owner]);
  const other = await cli.create('other', ['--owner', owner]);
  await change('freeze', own.id);
  await change('freeze', '--owner', owner);
  const { stderr, exitCode } = await cli.apikeys(['unfreeze', '--owner', owner]);
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`${own.key_prefix} (own) stays frozen by itself`);
  expect(stderr).not.toContain(other.key_prefix);
});

test('a dry run of unfreeze does not say that anything stays frozen', async () => {
  const { id } = await cli.create();
  await change('freeze', id);
  const { stderr, exitCode } = await cli.apikeys(['unfreeze', id, '--dry-run']);
  expect({ exitCode, stays: /stays frozen/.test(stderr) }).toEqual({ exitCode: 0, stays: false });
  expect(await change('unfreeze', id, '--dry-run')).toMatchObject({
    changed: 1,
    dry_run: true,
    keys: [{ id, status: 'frozen' }],
    impact: [{ key_id: id }],
  });
  expect(await change('unfreeze', id)).toMatchObject({ changed: 1 });
});

test.each(['freeze', 'unfreeze'])('%s of an owner that is not there is exit 3', async (command) => {
  const refused = await cli.apikeys([command, '--owner', 'nobody', '--json']);
  expect(refused.exitCode).toBe(3);
  expect(errorOf(refused).code).toBe('OWNER_NOT_FOUND');
});

test.each(['freeze', 'unfreeze'])('%s of several with an unknown one is exit 3', async (command) => {
  const [one, two] = [await cli.create(), await cli.create()];
  if (command === 'unfreeze') await change('freeze', one.id, two.id);
  const named = [command, one.id, 'nobody', two.id];
  const refused = await cli.apikeys([...named, '--json']);
  expect(refused.exitCode).toBe(3);
  expect(errorOf(refused)).toMatchObject({
    code: 'KEY_NOT_FOUND',
    message: expect.stringContaining('nobody'),
  });
  expect((await change(...named, '--ignore-missing')).changed).toBe(2);
});

test.each([
  ['freeze', []],
  ['unfreeze', []],
])('%s %j is exit 2: keys or an owner has to be named', async (command, args) => {
  const refused = await cli.apikeys([command, ...args, '--json']);
  expect(refused.exitCode).toBe(2);
  expect(errorOf(refused).code).toBe('INVALID_USAGE');
});

test('with key management switched off freeze goes on, and unfreeze is exit 4', async () => {
  const { id } = await cli.create();
  const env = { APIKEYS_ENABLE_API_KEY_MANAGEMENT: 'false' };
  expect(await cli.json(['freeze', id], { env })).toMatchObject({ changed: 1 });
  const refused = await cli.apikeys(['unfreeze', id, '--json'], { env });
  expect(refused.exitCode).toBe(4);
  expect(errorOf(refused).code).toBe('FEATURE_DISABLED');
});

test('-q prints the ids', async () => {
  const [one, two] = [await cli.create(), await cli.create()];
  const { stdout, stderr } = await cli.apikeys(['freeze', two.id, one.id, '-q']);
  expect({ stdout, stderr }).toEqual({ stdout: `${two.id}\n${one.id}\n`, stderr: '' });
});
