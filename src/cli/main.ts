import { constants, fstatSync, readFileSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import { readStdin } from './input/stdin.js';
import { fileOutput } from './output/streams.js';
import { run } from './run.js';

const interruption = new AbortController();
let signalCode: number | undefined;

function interrupt(exitCode: number): void {
  // The second time without waiting: the database rolls back what was not committed.
  if (signalCode !== undefined) process.exit(exitCode);
  signalCode = exitCode;
  interruption.abort();
}

/**
 * Whether stdout was closed before the start: Node opens the null device in its place, for reading and writing, which
 * no shell's `> /dev/null` does. Seen on Linux alone.
 */
function stdoutWasClosed(): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8'))?.[1] ?? '0';
    const isNull = fstatSync(1).isCharacterDevice() && fstatSync(1).rdev === statSync('/dev/null').rdev;
    return isNull && (Number.parseInt(flags, 8) & constants.O_RDWR) !== 0;
  } catch {
    return false;
  }
}

/** A table that goes into a file is as wide as it needs to be, unless COLUMNS says otherwise. */
function width(): number {
  if (process.stdout.isTTY) return process.stdout.columns || 80;
  return Number.parseInt(process.env.COLUMNS ?? '', 10) || Number.POSITIVE_INFINITY;
}

function stderrWidth(): number {
  return process.stderr.isTTY ? process.stderr.columns || 80 : Number.POSITIVE_INFINITY;
}

// Without one (on Node 20) `pg` makes a Response to learn where it runs, which loads all of fetch: 15 ms.
if (!('navigator' in globalThis)) Object.assign(globalThis, { navigator: { userAgent: 'Node.js' } });

let interruptsHeld = false;
process.on('SIGINT', () => {
  if (!interruptsHeld) interrupt(130);
});
process.on('SIGTERM', () => interrupt(143));
// A failed write is reported to its callback; without a listener the event would end the process.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

// On a regular file `process.stdout` takes a short write for a whole one: a full disk would go unnoticed.
const stdout = fstatSync(1).isFile() ? fileOutput(1) : process.stdout;

const exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  stdin: (waiting) => readStdin(() => process.stdin, isatty(0), waiting),
  streams: { stdout, stderr: process.stderr },
  stdoutWasClosed: stdoutWasClosed(),
  isTTY: {
    stdin: isatty(0),
    stdout: process.stdout.isTTY === true,
    stderr: process.stderr.isTTY === true,
  },
  screen: process.stdout.isTTY
    ? {
        rows: () => process.stdout.rows || 24,
        // What Windows has cannot show colour.
        usualPager: process.platform === 'win32' ? '' : 'less -FRX',
        holdInterrupts: (held) => {
          interruptsHeld = held;
        },
      }
    : undefined,
  width,
  stderrWidth,
  now: () => new Date(),
  signal: interruption.signal,
});
process.exitCode = exitCode === 130 && signalCode !== undefined ? signalCode : exitCode;
// A secret that nobody read is still queued, and would keep this process alive for as long as its reader sleeps.
if (process.exitCode !== 0 && process.stdout.writableLength > 0) process.exit();
