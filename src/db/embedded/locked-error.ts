import { ApiKeysError } from '../../errors.js';
import type { LockOwner, LockOwnerState } from './lock-owner.js';

/** Why the lock at `file` was not taken. `holder` null: what lies there is no lock of ours. */
export function lockedError(
  file: string,
  holder: LockOwner | null,
  state: LockOwnerState,
  options: { readonly wait: number; readonly breakLock: boolean },
): ApiKeysError {
  const waited = `waited ${Number((options.wait / 1000).toFixed(1))} s; nothing was changed`;
  if (holder === null) {
    return new ApiKeysError(
      'EMBEDDED_LOCKED',
      `the lock file ${file} is none that apikeys wrote, so it cannot be told who uses the database (${waited})`,
      {
        details: { reason: 'lock_unreadable', path: file },
      },
    );
  }
  if (state === 'alive') return inUseError(holder, waited, options.breakLock);
  const beating = state === 'unsure' ? ' and shows that it lives' : '';
  return new ApiKeysError(
    'EMBEDDED_LOCKED',
    `the embedded database is locked by ${nameOf(holder)}, which cannot be seen from here${beating} (${waited})`,
    {
      details: { reason: 'holder_unseen' },
    },
  );
}

function inUseError(holder: LockOwner, waited: string, breakLock: boolean): ApiKeysError {
  const who =
    holder.pid === process.pid
      ? `this same process (${holder.pid})`
      : `process ${holder.pid} on this host (${printable(holder.host)})`;
  return new ApiKeysError(
    'EMBEDDED_LOCKED',
    `the embedded database is in use by ${who} since ${printable(holder.since)} (${waited})`,
    {
      details: { reason: 'holder_alive', breakLock },
    },
  );
}

/** Another process has the lock by now: this one may write nothing more. */
export function lostLockError(folder: string): ApiKeysError {
  return new ApiKeysError(
    'EMBEDDED_LOCKED',
    `another process has taken over the embedded database in ${folder}, as this one had been silent or its lock was broken; it writes nothing more there`,
    { details: { reason: 'lock_lost' } },
  );
}

/** For people: `process 12 on host a since 2026-11-28T08:00:00.000Z`. */
export function nameOf({ pid, host, since }: LockOwner): string {
  return `process ${pid} on host ${printable(host)} since ${printable(since)}`;
}

/** What another process wrote may end up on a terminal. */
const printable = (text: string): string => text.replace(/[^\x21-\x7e]/g, '?').slice(0, 100);
