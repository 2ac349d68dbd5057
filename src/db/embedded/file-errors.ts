import { ApiKeysError } from '../../errors.js';

/** An error of a file operation: only its code is told on, as its text adds nothing but the path once more. */
export function isFileError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}

const REFUSED: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'the file system refuses what it needs (it must allow hard links and private files)',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of its path is not a folder',
  EEXIST: 'a file of that name is in the way',
  EISDIR: 'a folder is in the way of its lock file',
  ENOTEMPTY: 'a folder is in the way of its lock file',
  ENAMETOOLONG: 'its path is too long',
  ELOOP: 'its path has a loop of symbolic links',
  ENOTSUP: 'the file system has no hard links, which the lock needs',
  EOPNOTSUPP: 'the file system has no hard links, which the lock needs',
  ENOSYS: 'the file system has no hard links, which the lock needs',
};

/** Says in our words why a folder cannot be used. */
export function folderError(error: unknown, folder: string): ApiKeysError {
  if (error instanceof ApiKeysError) return error;
  const code = isFileError(error) ? error.code : '';
  const refusal = REFUSED[code];
  if (refusal !== undefined) {
    return new ApiKeysError('INVALID_CONFIG', `cannot use the folder ${folder}: ${refusal}`, {
      details: { reason: 'folder_unusable', path: folder },
    });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ApiKeysError('DATABASE_BUSY', `the disk that holds ${folder} is full; nothing was changed`, {
      details: { reason: 'host_disk_full', path: folder },
    });
  }
  return new ApiKeysError(
    'DATABASE_UNREACHABLE',
    `cannot use the folder ${folder}${code && ` (${code})`}; nothing was changed`,
    { details: { reason: 'folder_failed', path: folder } },
  );
}
