import { expect, test } from 'vitest';
import type { KeyJson } from '../../src/representation/schemas/key.js';
import { newOwner, useCli } from './apikeys.js';

const cli = useCli();
const DAY = 86_400_000;

interface Keys {
  readonly keys: readonly KeyJson[];
}

const tomorrow = (): string => new Date(Date.now() + DAY).toISOString().slice(0, 10);

test('a UTC day is an end: the key, the other lifetime and the freeze last through it', async () => {
  const day = tomorrow();
  const end = `${day}T23:59:59.999Z`;
  const key = await cli.create('days', ['--expires', day]);
  expect(key.expires_at).toBe(end);
  expect(await cli.json(['update', key.id, '--expires', '9999-12-31'])).toMatchObject({
    expires_at: '9999-12-31T23:59:59.999Z',
  });
  expect(await cli.json(['rotate', key.id])).toMatchObject({ expires_at: '9999-12-31T23:59:59.999Z' });
  expect(await cli.json(['rotate', key.id, '--expires', day])).toMatchObject({ expires_at: end });
  const { keys } = await cli.json<Keys>(['freeze', key.id, '--until', day]);
  expect(keys[0]?.frozen_until).toBe(end);
});

test.each(['never', '0', '0d'])('--expires %s is for ever', async (text) => {
  expect((await cli.create('ever', ['--expires', text])).expires_at).toBeNull();
});

test('a year is 365 days', async () => {
  const key = await cli.create('year', ['--expires', '1y']);
  expect(Date.parse(key.expires_at ?? '') - Date.parse(key.created_at)).toBe(365 * DAY);
});

test('the moment that was understood is shown', async () => {
  const day = tomorrow();
  const key = await cli.create('shown');
  const shown = async (...argv: string[]): Promise<string> => {
    const { stdout, stderr } = await cli.apikeys([...argv, '-o', 'table', '--color', 'never']);
    return `${stdout}\n${stderr}`;
  };
  expect(await shown('update', key.id, '--expires', day)).toContain(
    `Updated. It expires ${day} 23:59:59 UTC.`,
  );
  expect(await shown('update', key.id, '--expires', 'never')).toContain('Updated. It never expires.');
  expect(await shown('freeze', key.id, '--until', day)).toContain(
    `Froze 1 key until ${day} 23:59:59 UTC (in `,
  );
  expect(await shown('freeze', key.id)).toContain('Froze 1 key until unfrozen.');
  expect(await shown('create', 'more', '--owner', newOwner(), '--expires', day)).toContain(
    `${day} 23:59:59 UTC`,
  );
});

test('a range from a day to a day has all of both', async () => {
  const today = new Date().toISOString().slice(0, 10);
  const key = await cli.create('ranged');
  for (const at of ['2026-02-28', '2026-03-01', '2026-03-01T23:59:59.999Z', '2026-03-02T00:00:00Z']) {
    await cli.json(['usage', 'record', key.id, '--requests', '1', '--at', at]);
  }
  const usage = await cli.json(['usage', key.id, '--since', '2026-03-01', '--until', '2026-03-01']);
  expect(usage).toMatchObject({ from: '2026-03-01', to: '2026-03-01', request_count: 2 });
  const events = async (...range: string[]) =>
    (await cli.json<{ events: unknown[] }>(['audit', key.id, ...range])).events.length;
  // The run may go past midnight.
  expect(await events('--since', today, '--until', tomorrow())).toBe(5);
  expect(await events('--since', tomorrow(), '--until', tomorrow())).toBe(0);
});

test('a refusal says all that this option takes', async () => {
  const { id } = await cli.create('refused');
  const hint = async (...argv: string[]): Promise<string> => {
    const { exitCode, stderr } = await cli.apikeys(argv);
    expect(exitCode).toBe(2);
    return stderr;
  };
  const all = /a duration \(30m, 24h, 7d, 2w, 1y\), a UTC day .*, an RFC 3339 time .* or never\.\n$/;
  for (const argv of [['update'], ['rotate']]) {
    expect(await hint(...argv, id, '--expires', 'tomorrow')).toMatch(all);
  }
  expect(await hint('freeze', id, '--until', 'monday')).toMatch(all);
  expect(await hint('freeze', id, '--until', '0')).toMatch(
    /^apikeys: a freeze has to last .*\n.*leave --until/,
  );
  expect(await hint('audit', '--since', 'yesterday')).toMatch(/a duration .* or an RFC 3339 time [^n]*\.\n$/);
  expect(await hint('rotate', id, '--grace', '2027-01-01')).toMatch(
    /Write a duration \(30m[^,]*,[^A-Z]*\.\n$/,
  );
});
