import { isIP } from 'node:net';
import { type ConnectionSource, findIn, type Given } from './connection-source.js';

/** One of the servers that a connection may lead to. */
export interface HostAddress {
  /** A name, an address or the folder of a socket: the certificate and the password are looked for by it. */
  readonly host: string;
  /** Where it is, if that is not to be looked up by its name. */
  readonly address?: string;
  readonly port: number;
}

/** The hosts, in the order in which they are tried. Each list is one value for all of them, or one for each. */
export function hostsIn(sources: readonly ConnectionSource[]): HostAddress[] {
  const host = findIn(sources, 'host');
  const hostaddr = findIn(sources, 'hostaddr');
  const port = findIn(sources, 'port');
  const addresses = partsOf(hostaddr);
  const names = host === undefined && hostaddr !== undefined ? addresses : partsOf(host);
  const ports = partsOf(port);
  if (hostaddr && addresses.length !== names.length)
    throw hostaddr.invalid(`has ${addresses.length} addresses for ${names.length} hosts`);
  if (port && ports.length > 1 && ports.length !== names.length)
    throw port.invalid(`has ${ports.length} numbers for ${names.length} hosts`);
  return names.map((name, index) => {
    const address = addresses[index];
    if (address && isIP(address) === 0) throw hostaddr?.invalid('is no IP address') ?? address;
    return {
      host: hostOf(name || address || 'localhost', host),
      ...(address && address !== name && { address }),
      port: portOf(ports[index] ?? ports[0] ?? '', port),
    };
  });
}

const partsOf = (given: Given | undefined): string[] =>
  given === undefined ? [''] : given.text.split(',').map((part) => part.trim());

function hostOf(host: string, given: Given | undefined): string {
  // Anything else is a URL that was encoded as a whole, or put in the wrong place, its password included.
  if (host.startsWith('/') || isIP(host) !== 0 || !/[\s@:/?#%]/.test(host)) return host;
  throw given?.invalid('is neither a name, an address nor the folder of a socket') ?? host;
}

function portOf(text: string, given: Given | undefined): number {
  if (text === '') return 5432;
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw given?.invalid('is not a number from 1 to 65535') ?? text;
}

/** Where packets go: a socket or a loopback address stays on this machine. */
export function isLocal({ host, address = host }: HostAddress): boolean {
  return (
    address.startsWith('/') ||
    address === 'localhost' ||
    address === '::1' ||
    (isIP(address) === 4 && address.startsWith('127.'))
  );
}

/** For people: `db.example.com:5432`, or `/var/run/postgresql:5432` for a socket. */
export const hostName = ({ host, port }: HostAddress): string =>
  `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
