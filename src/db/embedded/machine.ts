import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { readRegularFile } from '../../read-file.js';

/** Where a process runs; what the system does not tell is null. */
export interface Machine {
  /** Given at installation (Linux), so cloned machines may share it. */
  readonly machine_id: string | null;
  /** Changes with each boot of the machine (Linux). */
  readonly boot_id: string | null;
  /** In which container, so to speak, the pid counts (Linux). */
  readonly pid_namespace: string | null;
  readonly host: string;
}

export function thisMachine(): Machine {
  return {
    machine_id: machineId('/etc/machine-id') ?? machineId('/var/lib/dbus/machine-id'),
    boot_id: textOf('/proc/sys/kernel/random/boot_id'),
    pid_namespace: pidNamespace(),
    host: hostname(),
  };
}

/** An image that was never booted says `uninitialized`. */
function machineId(path: string): string | null {
  const text = textOf(path);
  return text !== null && /^[0-9a-f]{32}$/.test(text) ? text : null;
}

/** A short file's text; null if there is none or nothing in it. */
export function textOf(path: string): string | null {
  try {
    return readRegularFile(path, 4_096).toString('latin1').trim() || null;
  } catch {
    return null;
  }
}

function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}
