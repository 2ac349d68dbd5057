import { createHash } from 'node:crypto';
import { EMPTY_CHAIN, verifyLink } from '../../../src/domain/audit.js';
import type { RunSql } from '../../helpers/run-sql.js';
import { events } from '../service/stored.js';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

const TABLES = ['owners', 'keys', 'secrets', 'key_activity', 'audit_events'];

/** Everything that is stored, down to the last column: equal before and after if nothing was changed. */
export async function everything(rows: RunSql): Promise<unknown> {
  const sums = TABLES.map(
    (table) =>
      `(SELECT md5(string_agg(${table}::text, '|' ORDER BY ${table}::text)) FROM apikeys.${table}) AS ${table}`,
  );
  const [row] = await rows(`SELECT ${sums.join(', ')}`);
  return row;
}

export const hashOf = (apiKey: string): string => createHash('sha256').update(apiKey).digest('hex');

export interface StoredSecret {
  readonly version: number;
  readonly hash: string;
  readonly key_prefix: string;
  readonly created_at: Date;
  readonly valid_until: Date | null;
}

/** The secrets of a key, newest first. */
export async function secretsOf(rows: RunSql, keyId: string): Promise<readonly StoredSecret[]> {
  return (await rows(
    `SELECT version, encode(hash, 'hex') AS hash, key_prefix, created_at, valid_until
       FROM apikeys.secrets WHERE key_id = '${keyId}' ORDER BY version DESC`,
  )) as unknown as StoredSecret[];
}

/** Moves a key's end, and nothing else, into the past. */
export async function expire(rows: RunSql, keyId: string, ago = '1 hour'): Promise<void> {
  await rows(
    `UPDATE apikeys.keys SET expires_at = date_trunc('milliseconds', now()) - interval '${ago}' WHERE id = '${keyId}'`,
  );
}

/** What is wrong with the chains of all keys and owners and with the heads on their rows; empty if nothing is. */
export async function chainFaults(rows: RunSql): Promise<string[]> {
  const heads = await rows(
    `SELECT 'key ' || id AS chain, audit_seq::int AS seq, encode(audit_hash, 'hex') AS hash FROM apikeys.keys
     UNION ALL
     SELECT 'owner ' || tenant_id || '/' || owner_id, audit_seq::int, encode(audit_hash, 'hex') FROM apikeys.owners`,
  );
  const last = new Map<string, { seq: number; hash: Buffer | null }>();
  const faults: string[] = [];
  for (const event of await events(rows, 'true')) {
    const chain = event.keyId === null ? `owner ${event.tenantId}/${event.ownerId}` : `key ${event.keyId}`;
    const fault = verifyLink(last.get(chain) ?? EMPTY_CHAIN, event);
    if (fault !== null) faults.push(`${chain} ${event.seq}: ${fault}`);
    last.set(chain, event);
  }
  for (const { chain, seq, hash } of heads) {
    const end = last.get(String(chain)) ?? EMPTY_CHAIN;
    const found = `${end.seq} ${end.hash?.toString('hex') ?? null}`;
    if (found !== `${seq} ${hash}`) faults.push(`${chain}: its head is not its last event`);
  }
  return faults;
}
