import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import { ApiKeysError } from '../../errors.js';
import { readRegularFile, UnreadableFile } from '../../read-file.js';
import { type ConnectionSource, findIn } from './connection-source.js';
import { type HostAddress, isLocal } from './hosts.js';

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** How each host is reached: false without TLS, otherwise with its certificate verified. */
export function tlsOptionsIn(
  sources: readonly ConnectionSource[],
): (host: HostAddress) => false | ConnectionOptions {
  const mode = modeIn(sources);
  const isWeak = mode === '' || mode === 'allow' || mode === 'prefer';
  const file = (parameter: 'sslrootcert' | 'sslcert' | 'sslkey') => {
    const path = findIn(sources, parameter)?.text;
    return path && !(parameter === 'sslrootcert' && path === 'system')
      ? readFile(path, parameter)
      : undefined;
  };
  const files = () => ({ ca: file('sslrootcert'), cert: file('sslcert'), key: file('sslkey') });
  let read: ReturnType<typeof files> | undefined;
  return (host) => {
    if (mode === 'disable' || host.host.startsWith('/') || (isWeak && isLocal(host))) return false;
    read ??= files();
    const { ca, cert, key } = read;
    return {
      rejectUnauthorized: true,
      ...nameOf(host),
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
    };
  };
}

/** The certificate is for the host that was named, wherever that is. */
function nameOf({ host, address }: HostAddress): ConnectionOptions {
  if (isIP(host) === 0) return { servername: host };
  return address === undefined
    ? {}
    : { checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) };
}

/** `sslmode`, or what `ssl` of other drivers means by it; empty for none. */
function modeIn(sources: readonly ConnectionSource[]): string {
  for (const source of sources) {
    const mode = findIn([source], 'sslmode');
    if (mode !== undefined) {
      if (MODES.includes(mode.text)) return mode.text;
      throw mode.invalid(
        mode.text === 'no-verify'
          ? "asks for TLS without verification, which is none: name the server's authority with sslrootcert"
          : 'is none of disable, require, verify-ca, verify-full',
      );
    }
    const ssl = findIn([source], 'ssl');
    if (ssl === undefined) continue;
    if (/^(true|1)$/.test(ssl.text)) return 'require';
    throw ssl.invalid('is not true: write sslmode=require, or sslmode=disable to go without TLS');
  }
  return '';
}

/** A regular file, since settings are read where nobody can wait for a pipe. */
function readFile(path: string, parameter: string): string {
  try {
    return readRegularFile(path.trim()).toString('utf8');
  } catch (error) {
    const reason = error instanceof UnreadableFile ? `: ${error.message}` : '';
    throw new ApiKeysError('INVALID_CONFIG', `the file named by ${parameter} cannot be read${reason}`, {
      details: { reason: 'file_unreadable' },
    });
  }
}
