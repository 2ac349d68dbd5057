import { run } from './run.js';

const interruption = new AbortController();
let signalCode: number | undefined;

function interrupt(exitCode: number): void {
  // The second time without waiting: the database rolls back what was not committed.
  if (signalCode !== undefined) process.exit(exitCode);
  signalCode = exitCode;
  interruption.abort();
}

/** A table that goes into a file is as wide as it needs to be, unless COLUMNS says otherwise. */
function width(): number {
  if (process.stdout.isTTY) return process.stdout.columns || 80;
  return Number.parseInt(process.env.COLUMNS ?? '', 10) || Number.POSITIVE_INFINITY;
}

process.on('SIGINT', () => interrupt(130));
process.on('SIGTERM', () => interrupt(143));
// A failed write is reported to its callback; without a listener the event would end the process.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

const exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  streams: { stdout: process.stdout, stderr: process.stderr },
  isTTY: {
    stdin: process.stdin.isTTY === true,
    stdout: process.stdout.isTTY === true,
    stderr: process.stderr.isTTY === true,
  },
  width,
  now: () => new Date(),
  signal: interruption.signal,
});
process.exitCode = exitCode === 130 && signalCode !== undefined ? signalCode : exitCode;
