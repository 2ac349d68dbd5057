import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROFILES, type Profile } from '../../src/domain/profiles.js';
import type { CleanupJson } from '../../src/representation/schemas/cleanup.js';
import { type TestRole, testRole } from '../helpers/database.js';
import { runInProcess } from '../helpers/run-in-process.js';
import { errorOf, useCli } from './apikeys.js';

const cli = useCli();
const roles = new Map<Profile, TestRole>();

const as = (profile: Profile, ...args: string[]) =>
  runInProcess([...args, '--json'], { env: { APIKEYS_DATABASE_URL: roles.get(profile)?.url ?? '' } });

beforeAll(async () => {
  for (const profile of PROFILES) {
    const role = await testRole(cli.database);
    roles.set(profile, role);
    await cli.json(['grants', '--role', role.name, '--as', profile, '--apply']);
  }
});
afterAll(async () => {
  await cli.database.drop();
  for (const role of roles.values()) await role.drop();
});

const count = async (table: string): Promise<number> => {
  const [row] = await cli.database.query<{ count: number }>(`SELECT count(*)::int FROM apikeys.${table}`);
  return row?.count ?? -1;
};

/** Makes a key that any cleanup may delete, and with it two events. */
async function makeDead(): Promise<void> {
  const { id } = await cli.create();
  await cli.json(['revoke', id, '--yes']);
}

/** Makes a key that stays, with a usage day of last year. */
async function makeOldUsage(): Promise<void> {
  const { id, owner_id } = await cli.create();
  await cli.database.query(
    `INSERT INTO apikeys.usage_daily VALUES ($1, current_date - 365, 'default', $2, 7, 1)`,
    [id, owner_id],
  );
}

describe('admin prunes audit events', () => {
  test('not at all, and is told who may', async () => {
    await cli.create();
    const before = await count('audit_events');
    const refused = await as('admin', 'cleanup', '--audit-older-than', '0');
    expect(refused.exitCode).toBe(9);
    expect(errorOf(refused)).toMatchObject({
      code: 'PERMISSION_DENIED',
      message:
        'the database role in use lacks a privilege that deleting audit events needs; nothing was changed',
      hint: "Leave --audit-older-than out with this role, and prune as the schema's owner: the role that ran `apikeys migrate`.",
    });
    expect(await count('audit_events')).toBe(before);
  });

  test('not after keys were deleted either, which stay deleted', async () => {
    await makeDead();
    const [keys, events] = [await cli.keyCount(), await count('audit_events')];
    const refused = await as('admin', 'cleanup', '--older-than', '0', '--audit-older-than', '0');
    expect(refused.exitCode).toBe(9);
    expect(errorOf(refused)).toMatchObject({
      code: 'PERMISSION_DENIED',
      message:
        'the database role in use lacks a privilege that deleting audit events needs; before that, 1 key, 1 secret had been deleted',
      hint: expect.stringMatching(/schema's owner/),
    });
    expect(await cli.keyCount()).toBe(keys - 1);
    // The deletion has its event, and all before it are there.
    expect(await count('audit_events')).toBe(events + 1);
    expect((await as('admin', 'audit', 'verify')).exitCode).toBe(0);
  });

  test('where there are none so old, and so nothing is refused', async () => {
    const { exitCode, stderr } = await as('admin', 'cleanup', '--audit-older-than', '365d');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

test("the schema's owner prunes them", async () => {
  const cleaned = await cli.json<CleanupJson>(['cleanup', '--audit-older-than', '0']);
  expect(cleaned.deleted_events).toBeGreaterThan(0);
  expect((await as('admin', 'audit', 'verify')).exitCode).toBe(0);
});

test('admin deletes old usage days', async () => {
  await makeOldUsage();
  const { exitCode, stdout, stderr } = await as('admin', 'cleanup', '--usage-older-than', '90d');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ deleted_usage_days: 1, deleted_events: 0 });
  expect(await count('usage_daily')).toBe(0);
});

describe('a dry run tells what is due, to a role that may read it', () => {
  const EVERYTHING = ['--older-than', '0', '--usage-older-than', '90d', '--audit-older-than', '0'];
  const stored = async () =>
    Promise.all(['keys', 'usage_daily', 'audit_events'].map((table) => count(table)));

  test.each(['admin', 'auditor'] as const)('%s', async (profile) => {
    await makeDead();
    await makeOldUsage();
    const before = await stored();
    const { exitCode, stdout, stderr } = await as(profile, 'cleanup', '--dry-run', ...EVERYTHING);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const due: CleanupJson = JSON.parse(stdout);
    expect(due).toMatchObject({ dry_run: true });
    expect(Math.min(due.deleted_keys, due.deleted_usage_days, due.deleted_events)).toBeGreaterThan(0);
    expect(await stored()).toEqual(before);
  });

  test('verifier is refused', async () => {
    const refused = await as('verifier', 'cleanup', '--dry-run', ...EVERYTHING);
    expect(refused.exitCode).toBe(9);
    expect(errorOf(refused).message).toMatch(/lacks a privilege/);
  });
});
