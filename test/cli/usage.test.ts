import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { usageImportSchema, usageRecordSchema, usageSchema } from '../../src/representation/schemas/usage.js';
import { runInTerminal } from '../helpers/terminal.js';
import { newOwner, useCli } from './apikeys.js';

const cli = useCli();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apikeys-usage-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const usage = async (...args: string[]) => usageSchema.parse(await cli.json(['usage', ...args]));

async function importing(text: string, ...args: string[]) {
  const result = await cli.apikeys(['usage', 'import', '--json', ...args], { input: text });
  return {
    ...result,
    document: result.stdout === '' ? null : usageImportSchema.parse(JSON.parse(result.stdout)),
  };
}

describe('apikeys usage', () => {
  test('is empty, not missing, for a key that was never used', async () => {
    const key = await cli.create('unused');
    expect(await usage(key.id)).toMatchObject({
      key_id: key.id,
      request_count: 0,
      spend_cents: 0,
      series: [{ request_count: 0, spend_cents: 0 }],
    });
  });

  test('adds up what was recorded, by day, week and month across the end of a year', async () => {
    const key = await cli.create('counted');
    for (const [at, requests] of [
      ['2025-12-31T23:59:59Z', 2],
      ['2026-01-01T00:00:00Z', 3],
      ['2026-01-31T12:00:00Z', 5],
    ] as const) {
      usageRecordSchema.parse(
        await cli.json([
          'usage',
          'record',
          key.id,
          '--requests',
          String(requests),
          '--spend-cents',
          '1',
          '--at',
          at,
        ]),
      );
    }
    const range = ['--since', '2025-12-29T00:00:00Z', '--until', '2026-02-01T00:00:00Z'];
    const used = async (by: string) => {
      const found = await usage(key.id, ...range, '--by', by);
      const series = 'series' in found ? found.series : [];
      return series
        .filter(({ request_count }) => request_count > 0)
        .map((one) => [one.period, one.request_count]);
    };
    expect(await used('day')).toEqual([
      ['2025-12-31', 2],
      ['2026-01-01', 3],
      ['2026-01-31', 5],
    ]);
    expect(await used('week')).toEqual([
      ['2026-W01', 5],
      ['2026-W05', 5],
    ]);
    expect(await used('month')).toEqual([
      ['2025-12', 2],
      ['2026-01', 8],
    ]);
    const [sql] = await cli.database.query<{ requests: string; cents: string }>(
      'SELECT sum(request_count) AS requests, sum(spend_cents) AS cents FROM apikeys.usage_daily WHERE key_id = $1',
      [key.id],
    );
    expect(await usage(key.id, ...range)).toMatchObject({
      request_count: Number(sql?.requests),
      spend_cents: Number(sql?.cents),
    });
  });

  test('without a key lists the top keys, of an owner alone where one is named', async () => {
    const owner = newOwner();
    const [much, little] = [
      await cli.create('much', ['--owner', owner]),
      await cli.create('little', ['--owner', owner]),
    ];
    await cli.json(['usage', 'record', much.id, '--requests', '9']);
    await cli.json(['usage', 'record', little.id, '--requests', '1', '--spend-cents', '70']);
    const found = await usage('--owner', owner);
    expect(found).toMatchObject({ request_count: 10, spend_cents: 70 });
    expect('top' in found ? found.top.map(({ name }) => name) : []).toEqual(['much', 'little']);
  });

  test('is a bar chart on a terminal, numbers in a pipe and csv in a spreadsheet', async () => {
    const key = await cli.create('charted');
    await cli.json(['usage', 'record', key.id, '--requests', '4']);
    const env = { APIKEYS_DATABASE_URL: cli.database.url };
    const { output } = await runInTerminal(['usage', key.id], { env });
    expect(output).toContain('█');
    const day = new Date().toISOString().slice(0, 10);
    expect((await cli.apikeys(['usage', key.id])).stdout).toBe(`${day}\t4\t0\n`);
    expect((await cli.apikeys(['usage', key.id, '-o', 'csv'])).stdout).toBe(
      `period,request_count,spend_cents\n${day},4,0\n`,
    );
  });

  test('recording nothing, for nobody, or in no time is refused', async () => {
    const key = await cli.create('refusing');
    expect((await cli.apikeys(['usage', 'record', key.id])).exitCode).toBe(2);
    expect((await cli.apikeys(['usage', 'record', 'nobody', '--requests', '1'])).exitCode).toBe(3);
    expect((await cli.apikeys(['usage', 'record', key.id, '--requests', '-1'])).exitCode).toBe(2);
    expect((await cli.apikeys(['usage', 'record', key.id, '--requests', '1', '--at', '7d'])).exitCode).toBe(
      2,
    );
  });
});

describe('apikeys usage import', () => {
  test('reads NDJSON and CSV, with keys by id, prefix and name', async () => {
    const key = await cli.create('imported');
    const ndjson = [
      { key: key.id, requests: 2, spend_cents: 3, at: '2026-01-01T00:00:00Z' },
      { key: key.key_prefix },
    ];
    const first = await importing(ndjson.map((line) => JSON.stringify(line)).join('\n'));
    expect(first.document).toMatchObject({ changed: 2, request_count: 3, spend_cents: 3, bad_lines: [] });
    const second = await importing(`at,key,requests\n2026-01-02T00:00:00Z,"imported",5\n\n,${key.id},\n`);
    expect(second.document).toMatchObject({ changed: 2, request_count: 6 });
    expect(await cli.json(['show', key.id])).toMatchObject({ total_requests: 9 });
  });

  test('counts once under the same import id, and goes on where it was', async () => {
    const key = await cli.create('once');
    const line = `${JSON.stringify({ key: key.id })}\n`;
    expect((await importing(line.repeat(3), '--import-id', 'log-1')).document).toMatchObject({
      changed: 3,
      skipped: 0,
    });
    expect((await importing(line.repeat(5), '--import-id', 'log-1')).document).toMatchObject({
      changed: 2,
      skipped: 3,
    });
    expect((await importing(line.repeat(5), '--import-id', 'log-1')).document).toMatchObject({
      changed: 0,
      skipped: 5,
    });
    expect(await cli.json(['show', key.id])).toMatchObject({ total_requests: 5 });
  });

  test('ends at the first bad line with its number, and has counted those before it', async () => {
    const key = await cli.create('broken');
    const good = JSON.stringify({ key: key.id });
    const text = `${good}\n${good}\n{"key":"${key.id}","requests":"many"}\n${good}\n`;
    const { exitCode, stderr } = await importing(text, '--import-id', 'log-2');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { message: expect.stringContaining('line 3') } });
    expect(await cli.json(['show', key.id])).toMatchObject({ total_requests: 2 });
    const mended = await importing(text.replace('"many"', '7'), '--import-id', 'log-2');
    expect(mended.document).toMatchObject({ changed: 2, skipped: 2, request_count: 8 });
  });

  test('a dry run names every bad line and counts nothing', async () => {
    const key = await cli.create('rehearsed');
    const text = `{"key":"${key.id}"}\nnot json\n{"key":"no-such-key"}\n{"requests":1}\n`;
    const { exitCode, document } = await importing(text, '--dry-run');
    expect(exitCode).toBe(2);
    expect(document).toMatchObject({ changed: 1, dry_run: true });
    expect(document?.bad_lines.map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(await cli.json(['show', key.id])).toMatchObject({ total_requests: 0 });
  });

  test('a raw secret in a log is refused, and not repeated', async () => {
    const key = await cli.create('leaky');
    const { exitCode, stderr, stdout } = await importing(JSON.stringify({ key: key.api_key }));
    expect(exitCode).toBe(2);
    expect(stdout + stderr).not.toContain(key.api_key);
  });

  test('killed in the middle it goes on from there: every line counts once', async () => {
    const key = await cli.create('killed');
    const file = join(folder, 'log.ndjson');
    const lines = 60_000;
    await writeFile(file, `${JSON.stringify({ key: key.id })}\n`.repeat(lines));
    const command = `apikeys usage import ${file} --import-id killed`;
    await cli.shell(`${command} & sleep 1.2; kill -9 $!; wait $! 2>/dev/null; true`);
    const { exitCode } = await cli.apikeys(['usage', 'import', file, '--import-id', 'killed']);
    expect(exitCode).toBe(0);
    expect(await cli.json(['show', key.id])).toMatchObject({ total_requests: lines });
  });
});

describe('rotation status', () => {
  test('rotate --wait ends once the new secret is in use and the older one is silent', async () => {
    const key = await cli.create('waiting');
    const rotating = cli.apikeys(['rotate', key.id, '--wait', '--timeout', '1m', '-q']);
    const timer = setInterval(() => {
      void cli.database.query(
        `UPDATE apikeys.key_activity SET last_used_at = now() + interval '1 s', old_secret_used_at = now() - interval '2 min'
          WHERE key_id = $1 AND EXISTS (SELECT FROM apikeys.secrets WHERE key_id = $1 AND version = 2)`,
        [key.id],
      );
    }, 200);
    const { exitCode } = await rotating.finally(() => clearInterval(timer));
    expect(exitCode).toBe(0);
    expect(await cli.json(['show', key.id])).toMatchObject({ old_secret_used_at: expect.any(String) });
  });

  test('--timeout without --wait is refused', async () => {
    const key = await cli.create('impatient');
    expect((await cli.apikeys(['rotate', key.id, '--timeout', '1m'])).exitCode).toBe(2);
  });
});
