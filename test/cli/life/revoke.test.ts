import { expect, test } from 'vitest';
import type { ChangeJson } from '../../../src/representation/schemas/change.js';
import { errorSchema } from '../../../src/representation/schemas/error.js';
import { errorOf, newOwner, useCli } from '../apikeys.js';

const cli = useCli();
const revoke = (...args: string[]) => cli.json<ChangeJson>(['revoke', ...args]);
const live = async (owner: string) =>
  (await cli.json<{ count: number }>(['list', '--owner', owner, '--status', 'active', '--count'])).count;

/** An owner with two keys. */
async function pair(more: readonly string[] = []) {
  const owner = newOwner();
  const one = await cli.create('one', ['--owner', owner, ...more]);
  const two = await cli.create('two', ['--owner', owner, ...more]);
  return { owner, one, two };
}

test('two keys and an unknown one: exit 3, and nothing is changed', async () => {
  const { owner, one, two } = await pair();
  const named = [one.id, two.key_prefix, 'unknown', 'rv_ffffffff'];
  const refused = await cli.apikeys(['revoke', ...named, '--yes', '--json']);
  expect(refused.exitCode).toBe(3);
  expect(errorOf(refused)).toMatchObject({
    code: 'KEY_NOT_FOUND',
    message: expect.stringMatching(/unknown.*rv_ffffffff/),
  });
  expect(await live(owner)).toBe(2);
  expect(await revoke(...named, '--yes', '--ignore-missing')).toMatchObject({
    changed: 2,
    keys: [
      { id: one.id, status: 'revoked' },
      { id: two.id, status: 'revoked' },
    ],
  });
});

test('revoke --owner ends all of its keys, expired ones too', async () => {
  const { owner, one, two } = await pair();
  await cli.database.query(`UPDATE apikeys.keys SET expires_at = now() - interval '1 h' WHERE id = $1`, [
    one.id,
  ]);
  const done = await revoke('--owner', owner, '--yes', '--reason', 'left');
  expect(done).toMatchObject({ changed: 2, dry_run: false, impact: null });
  expect(done.keys.map(({ id, status, revoked_reason }) => [id, status, revoked_reason])).toEqual([
    [one.id, 'revoked', 'left'],
    [two.id, 'revoked', 'left'],
  ]);
  expect(await revoke('--owner', owner, '--yes')).toMatchObject({ changed: 0 });
});

test('an owner that two tenants have is exit 4 until --tenant names one', async () => {
  const owner = newOwner();
  await cli.create('ci', ['--owner', owner, '--tenant', 'blue'].concat('--actor', 'me'));
  await cli.create('ci', ['--owner', owner, '--tenant', 'red'].concat('--actor', 'me'));
  for (const mode of ['--yes', '--dry-run']) {
    const refused = await cli.apikeys(['revoke', '--owner', owner, mode, '--json']);
    expect(refused.exitCode).toBe(4);
    expect(errorOf(refused)).toMatchObject({
      code: 'OWNER_AMBIGUOUS',
      hint: expect.stringContaining('--tenant'),
    });
  }
  expect(await live(owner)).toBe(2);
  expect(await revoke('--owner', owner, '--yes', '--tenant', 'red')).toMatchObject({
    changed: 1,
    keys: [{ tenant_id: 'red' }],
  });
});

test('a dry run has the shape of the real thing, tells the impact, and changes nothing', async () => {
  const { owner, one, two } = await pair();
  await cli.database.query(
    `UPDATE apikeys.key_activity SET last_used_at = '2026-01-02T03:04:05Z' WHERE key_id = $1`,
    [one.id],
  );
  await cli.database.query(
    `INSERT INTO apikeys.usage_daily (key_id, day, tenant_id, owner_id, request_count, spend_cents)
     VALUES ($1, (now() AT TIME ZONE 'UTC')::date, 'default', $2, 1234, 567)`,
    [one.id, owner],
  );
  const planned = await revoke('--owner', owner, '--dry-run');
  expect(planned).toMatchObject({
    changed: 2,
    dry_run: true,
    keys: [
      { id: one.id, status: 'active', revoked_at: null },
      { id: two.id, status: 'active' },
    ],
    impact: [
      {
        key_id: one.id,
        last_used_at: '2026-01-02T03:04:05.000Z',
        request_count: 1234,
        spend_cents: 567,
      },
      { key_id: two.id, last_used_at: null, request_count: 0, spend_cents: 0 },
    ],
  });
  const plain = await cli.apikeys(['revoke', '--owner', owner, '-n', '-o', 'csv']);
  expect(plain.stdout).toMatch(/,requests_today,spend_cents_today\n/);
  expect(plain.stdout).toMatch(/,1234,567\n/);
  expect(await live(owner)).toBe(2);
  const done = await revoke('--owner', owner, '--yes');
  expect(Object.keys(done)).toEqual(Object.keys(planned));
  expect(done.changed).toBe(planned.changed);
});

test.each([[[]], [['--no-input']], [['-q']], [['--json']]])(
  'without --yes and a terminal, %j, it is exit 2 and names --yes, whatever is piped in',
  async (flags) => {
    const { owner, one } = await pair();
    for (const target of [[one.id], ['--owner', owner]]) {
      const { exitCode, stdout, stderr } = await cli.apikeys(['revoke', ...target, ...flags], {
        input: `y\n${owner}\n`,
      });
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain('--yes');
    }
    expect(await live(owner)).toBe(2);
  },
);

test('beside keys --owner narrows what they mean: of one name, the key of this owner', async () => {
  const { owner } = await pair();
  const [mine, other] = [await cli.create('shared', ['--owner', owner]), await cli.create('shared')];
  const ambiguous = await cli.apikeys(['revoke', 'shared', '--yes', '--json']);
  expect(ambiguous.exitCode).toBe(4);
  const { error } = errorSchema.parse(JSON.parse(ambiguous.stderr));
  expect(error.candidates?.map(({ id, key_prefix }) => [id, key_prefix]).sort()).toEqual(
    [mine, other].map(({ id, key_prefix }) => [id, key_prefix]).sort(),
  );
  const listed = await cli.apikeys(['revoke', 'shared', '--yes'], { env: { COLUMNS: '80' } });
  for (const key of [mine, other]) {
    expect(listed.stderr).toMatch(new RegExp(`\n${key.key_prefix} +${key.owner_id} .*never`));
  }
  expect(await cli.json(['revoke', 'shared', '--owner', owner, '--yes'])).toMatchObject({
    changed: 1,
    keys: [{ id: mine.id }],
    owner: null,
  });
  expect(await live(owner)).toBe(2);
  const foreign = await cli.apikeys(['revoke', other.id, '--owner', owner, '--yes', '--json']);
  expect(foreign.exitCode).toBe(3);
});

test('--and-freeze freezes the owner with its keys, once', async () => {
  const { owner } = await pair();
  const args = ['revoke', '--owner', owner, '--and-freeze', '--reason', 'left', '--yes'];
  expect(await cli.json([...args, '--dry-run'])).toMatchObject({ changed: 2, owner: { is_frozen: false } });
  expect(await live(owner)).toBe(2);
  expect(await cli.json(args)).toMatchObject({
    changed: 2,
    owner: { owner_id: owner, is_frozen: true, frozen_reason: 'left' },
  });
  expect(await live(owner)).toBe(0);
  expect(await cli.json(args)).toMatchObject({ changed: 0, keys: [], owner: { is_frozen: true } });
  const refused = await cli.apikeys(['create', 'again', '--owner', owner, '--json']);
  expect(errorOf(refused).code).toBe('OWNER_FROZEN');
  const actions = await cli.database.query('SELECT action FROM apikeys.audit_events WHERE owner_id = $1', [
    owner,
  ]);
  expect(actions.filter(({ action }) => action === 'owner.frozen')).toHaveLength(1);
  await cli.json(['unfreeze', '--owner', owner]);
  const again = await cli.apikeys([...args, '-o', 'table']);
  expect(again.stderr).toMatch(/Revoked no key\. Owner .* is frozen and gets no new keys\./);
});

test('--and-freeze is for an owner as a whole: exit 2 otherwise', async () => {
  const { owner, one } = await pair();
  for (const target of [
    [one.id, '--owner', owner, '--and-freeze'],
    [one.id, '--and-freeze'],
  ]) {
    const refused = await cli.apikeys(['revoke', ...target, '--yes', '--json']);
    expect(refused.exitCode).toBe(2);
    expect(errorOf(refused).code).toBe('INVALID_USAGE');
  }
  expect(await live(owner)).toBe(2);
});

test('neither keys nor --owner is exit 2', async () => {
  const { owner } = await pair();
  for (const target of [[]]) {
    const refused = await cli.apikeys(['revoke', ...target, '--yes', '--json']);
    expect(refused.exitCode).toBe(2);
    expect(errorOf(refused).code).toBe('INVALID_USAGE');
  }
  expect(await live(owner)).toBe(2);
});

test('an owner that is not there is exit 3, in another tenant too', async () => {
  const { owner } = await pair();
  for (const target of [
    ['--owner', 'nobody'],
    ['--owner', owner, '--tenant', 'elsewhere'],
  ]) {
    const refused = await cli.apikeys(['revoke', ...target, '--yes', '--json']);
    expect(refused.exitCode).toBe(3);
    expect(errorOf(refused).code).toBe('OWNER_NOT_FOUND');
  }
  expect(await live(owner)).toBe(2);
});

test('-q prints the ids of all that were named', async () => {
  const { owner, one, two } = await pair();
  const { stdout } = await cli.apikeys(['revoke', '--owner', owner, '--yes', '-q']);
  expect(stdout).toBe(`${one.id}\n${two.id}\n`);
  const listed = await cli.json(['list', '--owner', owner, '--status', 'revoked']);
  expect(listed).toMatchObject({ keys: [{ id: two.id }, { id: one.id }] });
});
