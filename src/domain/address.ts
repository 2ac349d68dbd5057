import ipaddr from 'ipaddr.js';
import { ApiKeysError } from '../errors.js';
import { quote } from './quote.js';

/** As long as an address with its mask can be written. */
const MAX_LENGTH = 60;

/** The bits before an IPv4 address that is written as one of IPv6 (`::ffff:192.0.2.1`). */
const MAPPED_BITS = 96;

/**
 * Reads an address of IPv4 or IPv6 and writes it in its one form. An IPv4 address that comes as one of IPv6, as a server
 * that listens to both has it, is the IPv4 address; a zone (`%eth0`) is the host's own affair. Throws `INVALID_INPUT`.
 *
 * @example
 * parseAddress('::ffff:192.0.2.1') // '192.0.2.1'
 */
export function parseAddress(text: string): string {
  const address = read(text, (plain) => ipaddr.process(plain.replace(/%.*$/, '')));
  if (address === undefined) throw invalid(`${quote(String(text))} is not an IP address`);
  return address.toString();
}

/**
 * Reads a range of addresses in CIDR notation, or one address, and writes it in its one form. What has bits beyond its mask
 * is refused: either of the two was not meant. Throws `INVALID_INPUT`.
 *
 * @example
 * parseRange('2001:DB8:0::/32') // '2001:db8::/32'
 * parseRange('192.0.2.1') // '192.0.2.1/32'
 */
export function parseRange(text: string): string {
  const range = read(text, (plain) => {
    if (plain.includes('/')) return ipaddr.parseCIDR(plain);
    const address = ipaddr.process(plain);
    return [address, address.kind() === 'ipv4' ? 32 : 128] satisfies [unknown, number];
  });
  if (range === undefined) throw invalid(`${quote(String(text))} is not a range of IP addresses`);
  const [address, bits] = asIpv4(range);
  const written = `${address}/${bits}`;
  const network = networkOf(address, bits);
  if (network === address.toString()) return written;
  throw invalid(`${quote(text)} has bits beyond its mask: the range is ${network}/${bits}`);
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Undefined for what is no address; also IPv4 written in any way but as four decimal numbers. */
function read<T>(text: unknown, parse: (plain: string) => T): T | undefined {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined;
  const [address = '', ...mask] = text.split('/');
  if (!address.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(address)) return undefined;
  if (mask.some((bits) => !/^\d{1,3}$/.test(bits))) return undefined;
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function asIpv4([address, bits]: [Address, number]): [Address, number] {
  const isMapped = address instanceof ipaddr.IPv6 && bits >= MAPPED_BITS && address.isIPv4MappedAddress();
  return isMapped ? [address.toIPv4Address(), bits - MAPPED_BITS] : [address, bits];
}

function networkOf(address: Address, bits: number): string {
  const range = `${address}/${bits}`;
  return address instanceof ipaddr.IPv4
    ? ipaddr.IPv4.networkAddressFromCIDR(range).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(range).toString();
}

const invalid = (message: string): ApiKeysError =>
  new ApiKeysError('INVALID_INPUT', message, { details: { reason: 'address' } });
