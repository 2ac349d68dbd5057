import { describe, expect, test } from 'vitest';
import type { CreateJson, RotateJson } from '../../src/representation/schemas/key-secrets.js';
import type { PolicyChangeJson, PolicyJson } from '../../src/representation/schemas/policy.js';
import { errorOf, newOwner, useCli } from './apikeys.js';

const cli = useCli();

const NONE = { max_lifetime: null, require_expiry: false, max_keys: null, scopes: null, prefixes: null };

let tenants = 0;
const newTenant = (): string => `tenant-${++tenants}`;

const set = (tenant: string, ...rules: string[]) =>
  cli.json<PolicyChangeJson>(['policy', 'set', '--tenant', tenant, ...rules]);

test('a policy is set, shown and taken away, by the flags of its rules', async () => {
  const tenant = newTenant();
  const rules = ['--max-lifetime', '12w', '--require-expiry', '--max-keys', '20'];
  const lists = ['--scope', 'read,orders:*', '--scope', 'write', '--prefix', 'b_', '--prefix', 'a_'];
  const policy = {
    max_lifetime: '12w',
    require_expiry: true,
    max_keys: 20,
    scopes: ['orders:*', 'read', 'write'],
    prefixes: ['a_', 'b_'],
  };
  const view = { tenant_id: tenant, policy, all_tenants: NONE, in_force: policy };
  const done = { ...view, changed: 1, dry_run: false, broken_chains: [] };
  expect(await set(tenant, ...rules, ...lists)).toEqual(done);
  expect(await set(tenant, ...rules, ...lists)).toEqual({ ...done, changed: 0 });
  expect(await cli.json<PolicyJson>(['policy', '--tenant', tenant])).toEqual(view);
  expect(await cli.json<PolicyJson>(['policy', 'show', '--tenant', tenant])).toEqual(view);
  const one = await cli.json<PolicyChangeJson>([
    'policy',
    'unset',
    '--tenant',
    tenant,
    '--scope',
    '--max-keys',
  ]);
  expect(one).toMatchObject({ policy: { ...policy, scopes: null, max_keys: null }, changed: 1 });
  const all = await cli.json<PolicyChangeJson>(['policy', 'unset', '--tenant', tenant, '--all']);
  expect(all).toMatchObject({ policy: NONE, in_force: NONE, changed: 1 });
});

test('without a tenant it is for all, and a tenant sees both and the narrower', async () => {
  const tenant = newTenant();
  await cli.json(['policy', 'set', '--max-keys', '900']);
  await set(tenant, '--max-keys', '901', '--require-expiry');
  try {
    expect(await cli.json(['policy', '--tenant', tenant])).toMatchObject({
      policy: { max_keys: 901 },
      all_tenants: { max_keys: 900, require_expiry: false },
      in_force: { max_keys: 900, require_expiry: true },
    });
    expect(await cli.json(['policy'])).toMatchObject({ tenant_id: null, policy: { max_keys: 900 } });
  } finally {
    await cli.json(['policy', 'unset', '--max-keys']);
  }
});

test('for a script: a line a rule, values as they are; with -q the rules in force', async () => {
  const tenant = newTenant();
  await set(tenant, '--max-lifetime', '90d', '--scope', 'a,b');
  const { stdout } = await cli.apikeys(['policy', '--tenant', tenant]);
  expect(stdout).toBe(
    'max_lifetime\t90d\t\t90d\nrequire_expiry\tfalse\tfalse\tfalse\nmax_keys\t\t\t\nscopes\ta,b\t\ta,b\nprefixes\t\t\t\n',
  );
  const quiet = await cli.apikeys(['policy', '--tenant', tenant, '-q']);
  expect(quiet.stdout).toBe('max_lifetime=90d\nscopes=a, b\n');
});

test('for a person: words, and for whom', async () => {
  const tenant = newTenant();
  const { stdout, stderr } = await cli.apikeys(
    ['policy', 'set', '--tenant', tenant, '--max-lifetime', '90d', '--dry-run', '--color', 'never'],
    { terminal: true },
  );
  expect(stdout).toMatch(/longest lifetime +90d +- +90d/);
  expect(stderr).toBe(`Would be so for tenant ${tenant}. Nothing was changed.\n`);
  expect(await cli.json(['policy', '--tenant', tenant])).toMatchObject({ policy: NONE });
});

describe('a violation is exit 4, names the rule and what is allowed, and leaves nothing', () => {
  const CASES: readonly [rules: string[], ask: (key: string) => string[], says: string][] = [
    [
      ['--max-lifetime', '30d'],
      () => ['create', 'x', '--owner', 'o', '--expires', '31d'],
      'max_lifetime allows 30d at most',
    ],
    [
      ['--require-expiry'],
      () => ['create', 'x', '--owner', 'o', '--expires', 'never'],
      'require_expiry allows any that ends',
    ],
    [
      ['--scope', 'orders:*'],
      () => ['create', 'x', '--owner', 'o', '--scope', 'users:read'],
      'scopes allows "orders:*"',
    ],
    [['--prefix', 'acme_'], () => ['create', 'x', '--owner', 'o'], 'prefixes allows "acme_"'],
    [
      ['--max-lifetime', '30d'],
      (key) => ['rotate', key, '--expires', 'never'],
      'max_lifetime allows 30d at most',
    ],
    [['--prefix', 'acme_'], (key) => ['rotate', key], 'prefixes allows "acme_"'],
    [['--scope', 'orders:*'], (key) => ['rotate', key], 'scopes allows "orders:*"'],
    [
      ['--max-lifetime', '30d'],
      (key) => ['update', key, '--expires', '31d'],
      'max_lifetime allows 30d at most',
    ],
    [['--scope', 'orders:*'], (key) => ['scopes', key, '--add', 'users:read'], 'scopes allows "orders:*"'],
  ];
  test.each(CASES)('%j', async (rules, ask, says) => {
    const tenant = newTenant();
    const { id } = await cli.create('old', ['--tenant', tenant, '--scope', 'admin']);
    await set(tenant, ...rules);
    const before = await cli.json(['show', id]);
    const count = await cli.keyCount();
    const refused = await cli.apikeys([...ask(id), '--tenant', tenant, '--json']);
    expect(refused.exitCode).toBe(4);
    const { code, message, hint } = errorOf(refused);
    expect(code).toBe('POLICY_VIOLATION');
    expect(message).toContain(says);
    expect(hint).toContain('`apikeys policy`');
    expect(await cli.json(['show', id])).toEqual(before);
    expect(await cli.keyCount()).toBe(count);
  });

  test('keys per owner, whatever the setting', async () => {
    const [tenant, owner] = [newTenant(), newOwner()];
    await set(tenant, '--max-keys', '1');
    await cli.create('one', ['--tenant', tenant, '--owner', owner]);
    const more = ['create', 'two', '--tenant', tenant, '--owner', owner, '--json'];
    const refused = await cli.apikeys(more, { env: { APIKEYS_MAX_PER_USER: '0' } });
    expect(refused.exitCode).toBe(4);
    expect(errorOf(refused)).toMatchObject({
      code: 'POLICY_VIOLATION',
      message: expect.stringContaining('allows 1'),
    });
  });
});

test('a lifetime that nobody asked for is cut, which the answer says', async () => {
  const tenant = newTenant();
  await set(tenant, '--max-lifetime', '30d');
  const made = await cli.create('cut', ['--tenant', tenant]);
  expect(made.lifetime_cut).toEqual({ from_ms: 90 * 86_400_000, to_ms: 30 * 86_400_000 });
  const forever = await cli.json<CreateJson>(['create', 'c', '--owner', newOwner(), '--tenant', tenant], {
    env: { APIKEYS_DEFAULT_EXPIRY: '0' },
  });
  expect(forever.lifetime_cut).toEqual({ from_ms: null, to_ms: 30 * 86_400_000 });
  await set(tenant, '--max-lifetime', '7d');
  const rotated = await cli.json<RotateJson>(['rotate', made.id]);
  expect(rotated.lifetime_cut).toEqual({ from_ms: 30 * 86_400_000, to_ms: 7 * 86_400_000 });
  const { stderr } = await cli.apikeys(['create', 'c', '--owner', newOwner(), '--tenant', tenant]);
  expect(stderr).toBe('note: the policy cut the lifetime of this key to 1w; it would have been longer\n');
});

test.each([
  [['policy', 'set'], 'no rule was given'],
  [['policy', 'unset'], 'no rule was named'],
  [['policy', 'unset', '--all', '--scope'], '--all and --scope exclude each other'],
  [['policy', 'set', '--max-keys', '0'], 'whole number'],
  [['policy', 'set', '--max-keys', 'many'], 'whole number'],
  [['policy', 'set', '--max-lifetime', '0'], 'longest lifetime'],
  [['policy', 'set', '--max-lifetime', 'never'], 'longest lifetime'],
  [['policy', 'set', '--prefix', 'x'], 'prefix'],
  [['policy', 'set', '--max-keys', '1', '--max-keys', '2'], 'given twice'],
  [['policy', 'shw'], 'show'],
])('%j is exit 2', async (args, says) => {
  const { exitCode, stdout, stderr } = await cli.apikeys(args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain(says);
});

test('the trail and doctor tell it', async () => {
  const tenant = newTenant();
  await set(tenant, '--max-lifetime', '90d', '--scope', 'read', '--require-expiry');
  await cli.json(['policy', 'unset', '--tenant', tenant, '--require-expiry']);
  const { stdout } = await cli.apikeys(['audit', '--tenant', tenant], {
    terminal: true,
    env: { COLUMNS: '160' },
  });
  expect(stdout).toMatch(`tenant ${tenant}`);
  expect(stdout).toMatch(/policy changed: max_lifetime 90d, require_expiry, scopes read, by/);
  expect(stdout).toMatch(/policy changed: no require_expiry, by/);
  const { policy, checks } = await cli.json<{ policy: unknown; checks: { name: string; message: string }[] }>(
    ['doctor', '--tenant', tenant],
  );
  expect(policy).toEqual({ ...NONE, max_lifetime: '90d', scopes: ['read'] });
  expect(checks.find(({ name }) => name === 'policy')?.message).toBe('longest lifetime 90d, scopes read');
});
