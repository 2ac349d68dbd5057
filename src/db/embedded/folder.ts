import fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { ApiKeysError } from '../../errors.js';
import { folderError } from './file-errors.js';
import { textOf } from './machine.js';

/** The PostgreSQL that is built in. A data folder of another major version cannot be opened by it. */
export const POSTGRES_MAJOR = '18';

/** Where things lie in the folder of an embedded database. */
export interface Layout {
  readonly folder: string;
  /** PostgreSQL's data: complete from the moment it has this name. */
  readonly data: string;
  /** A data folder in the making; what a killed process left of one is thrown away. */
  readonly unfinished: string;
  readonly lock: string;
}

/**
 * The folder of the embedded database when none is named: `$XDG_DATA_HOME/apikeys`, or
 * `~/.local/share/apikeys` (a relative XDG_DATA_HOME does not count, as its specification says).
 *
 * @example
 * defaultEmbeddedFolder({ XDG_DATA_HOME: '/data' }); // '/data/apikeys'
 */
export function defaultEmbeddedFolder(env: Record<string, string | undefined>): string {
  const data = env.XDG_DATA_HOME;
  if (data !== undefined && path.isAbsolute(data)) return path.join(data, 'apikeys');
  return path.join(env.HOME || homedir(), '.local', 'share', 'apikeys');
}

export function layoutOf(folder: string): Layout {
  const absolute = path.resolve(folder);
  return {
    folder: absolute,
    data: path.join(absolute, 'data'),
    unfinished: path.join(absolute, 'data.new'),
    lock: path.join(absolute, 'lock'),
  };
}

/**
 * Makes the folder, private to this user, or checks the one that is there. Throws `INVALID_CONFIG` for a folder that
 * is not one of ours, belongs to another user, cannot be written to, or was made by another PostgreSQL.
 */
export function prepareFolder(layout: Layout): void {
  const { folder } = layout;
  try {
    const made = fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (made !== undefined) syncUpTo(path.dirname(made), folder);
    checkOwner(folder);
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    checkContent(layout);
    if (process.platform !== 'win32' && fs.statSync(folder).mode & 0o077) fs.chmodSync(folder, 0o700);
  } catch (error) {
    throw folderError(error, folder);
  }
}

/** True if the folder holds a database, and not just the beginnings of one. */
export function hasData(layout: Layout): boolean {
  return fs.existsSync(path.join(layout.data, 'PG_VERSION'));
}

/** Makes what was created, renamed or removed in a folder survive a power cut. */
export function syncFolder(folder: string): void {
  // Windows cannot open folders, and needs no such thing.
  if (process.platform === 'win32') return;
  const descriptor = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function syncUpTo(top: string, folder: string): void {
  for (let current = folder; ; current = path.dirname(current)) {
    syncFolder(current);
    if (current === top || current === path.dirname(current)) return;
  }
}

/** Files that root would leave in another user's folder would lock that user out, so root is no exception. */
function checkOwner(folder: string): void {
  const user = process.geteuid?.();
  if (user === undefined || fs.statSync(folder).uid === user) return;
  throw new ApiKeysError('INVALID_CONFIG', `the folder ${folder} belongs to another user`, {
    details: { reason: 'folder_of_other_user', path: folder },
  });
}

function checkContent(layout: Layout): void {
  if (hasData(layout)) {
    const version = textOf(path.join(layout.data, 'PG_VERSION'));
    if (version === POSTGRES_MAJOR) return;
    throw new ApiKeysError(
      'INVALID_CONFIG',
      `the database in ${layout.folder} was made by another version of PostgreSQL than ${POSTGRES_MAJOR}, the one built in here`,
      { details: { reason: 'folder_of_other_version', path: layout.folder } },
    );
  }
  const strangers = fs.readdirSync(layout.folder).filter((name) => !isOurs(name));
  if (strangers.length === 0 && isEmptyOrAbsent(layout.data)) return;
  // Another process may have put its new data in place between the looks.
  if (hasData(layout)) return;
  throw new ApiKeysError(
    'INVALID_CONFIG',
    `the folder ${layout.folder} is not empty and holds no database of apikeys`,
    { details: { reason: 'folder_not_empty', path: layout.folder } },
  );
}

const isOurs = (name: string): boolean => /^(data|data\.new|lock(\..+)?|lost\+found)$/.test(name);

function isEmptyOrAbsent(folder: string): boolean {
  return !fs.existsSync(folder) || fs.readdirSync(folder).length === 0;
}

/** The bytes of all files below a folder. A file that goes while this counts is none. */
export function folderSize(folder: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile())
      bytes += fs.statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
