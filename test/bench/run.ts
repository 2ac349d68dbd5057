import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type BenchOptions, type Report, regressions } from './bench.js';
import { betterAuth } from './better-auth.js';
import { cleanup } from './cleanup.js';
import { list } from './list.js';
import { table } from './table.js';
import { usage } from './usage.js';
import { verify } from './verify.js';

const BENCHES = [list, verify, betterAuth, usage, cleanup];

/**
 * npm run bench -- [--only list|verify|better-auth|usage|cleanup] [--keys 1000000] [--runs 7] [--calls 40]
 *                  [--out FILE] [--compare FILE]
 *
 * Prints each figure beside its goal; `--out` writes them as JSON, `--compare` ends with 1 if one is worse than in such
 * a file.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      keys: { type: 'string', default: '1000000' },
      runs: { type: 'string', default: '7' },
      calls: { type: 'string', default: '40' },
      out: { type: 'string' },
      compare: { type: 'string' },
    },
  });
  const options: BenchOptions = {
    keys: positive('keys', values.keys),
    runs: positive('runs', values.runs),
    calls: positive('calls', values.calls),
    progress: (text) => void process.stderr.write(`${text}\n`),
  };
  const { only } = values;
  const chosen = BENCHES.filter(({ name }) => only === undefined || only.includes(name));
  if (chosen.length === 0) throw new Error(`there is no bench ${only?.join(', ')}`);
  // Read first: a wrong path is better found before the hour than after it.
  const before = values.compare === undefined ? undefined : await readReport(values.compare);

  const results = [];
  for (const bench of chosen) {
    for (const result of await bench.run(options)) results.push({ bench: bench.name, ...result });
  }
  const report: Report = {
    node: process.version,
    cpu: `${cpus().length} x ${cpus()[0]?.model}`,
    keys: options.keys,
    results,
  };
  process.stdout.write(`${table(results)}\n`);
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(report, null, 2)}\n`);
  if (before !== undefined) {
    const worse = regressions(before, report);
    process.stdout.write(`${['', ...(worse.length === 0 ? ['no regression'] : worse)].join('\n')}\n`);
    if (worse.length > 0) process.exitCode = 1;
  }
}

function positive(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${flag} takes a whole number from 1`);
  return number;
}

async function readReport(file: string): Promise<Report> {
  return JSON.parse(await readFile(file, 'utf8'));
}

await main();
