// Outlives the process that runs the tests, however that ends, and clears up after it.
// argv[2] is a folder to remove; stdin carries lines of process ids, the last line being those to end.
// Plain JavaScript, because Node 20 cannot run TypeScript.

import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [, , folder] = process.argv;
let received = '';
process.stdin.setEncoding('utf8');
for await (const text of process.stdin) received = (received + text).split('\n').slice(-2).join('\n');

const [lastLine = ''] = received.split('\n');
const pids = lastLine.split(' ').filter(Boolean).map(Number);

function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** A process that nobody collects (a container's first process may not) has ended all the same. */
function isRunning(pid) {
  if (!send(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

// SIGQUIT is PostgreSQL's immediate shutdown; it is delivered to a stopped process only when that goes on.
for (const pid of pids) {
  send(pid, 'SIGQUIT');
  send(pid, 'SIGCONT');
}
for (let waited = 0; waited < 8_000 && pids.some(isRunning); waited += 50) await sleep(50);
for (const pid of pids) send(pid, 'SIGKILL');

if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
