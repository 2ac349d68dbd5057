import { createHash } from 'node:crypto';
import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { newId } from '../../domain/id.js';
import { checkIdempotencyKey } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import { readMoment } from '../../repository/clock.js';
import { findCandidates } from '../../repository/key-records.js';
import { IMPORT, readPosition } from '../../repository/usage-flush.js';
import type { ServiceContext } from '../context.js';
import { checkTenantScope } from '../find-keys.js';
import { type Addition, Pending } from './pending.js';
import { storeBatch } from './store.js';

/** One line of usage, as a gateway logged it. */
export interface UsageLine {
  /** Its number in the input, from 1, rising. */
  readonly line: number;
  /** The key's id, key prefix or name. */
  readonly key: string;
  readonly requests: number;
  readonly spendCents: number;
  /** When; now unless told otherwise. */
  readonly at: Date | undefined;
}

/** A line that cannot be counted, and why. */
export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

export interface ImportRequest {
  /** Makes a repetition count once: what was counted under the same one before is left out, by line number. */
  readonly importId?: string | undefined;
  readonly tenant?: string | undefined;
  /** Counts nothing, and tells every bad line. */
  readonly dryRun?: boolean | undefined;
}

export interface ImportedUsage {
  /** Lines that were counted, or with `dryRun` would be. */
  readonly counted: number;
  /** Lines that an earlier run with the same import id had counted. */
  readonly skipped: number;
  readonly requests: number;
  readonly spendCents: number;
  /** With `dryRun` the first {@link MOST_BAD_LINES}; otherwise none, since the first one ends the import. */
  readonly badLines: readonly BadLine[];
}

const BATCH = 1_000;
export const MOST_BAD_LINES = 100;

/**
 * Counts lines of usage in batches, each in its own transaction together with the number of its last line: killed at
 * any moment, it goes on where it was when it is run again with the same import id and the same input. Ends at the
 * first bad line, after counting all lines before it.
 *
 * Throws `INVALID_INPUT` with the number of a bad line, and what {@link transaction} throws.
 */
export async function importUsage(
  context: ServiceContext,
  lines: AsyncIterable<UsageLine | BadLine>,
  request: ImportRequest = {},
): Promise<ImportedUsage> {
  const tenant = checkTenantScope(request.tenant);
  const source = sourceOf(request.importId, tenant);
  await context.ready();
  const done = await read(context.engine, (session) => readPosition(session, source));
  const { now } = await read(context.engine, readMoment);
  const state = { counted: 0, skipped: 0, requests: 0, spendCents: 0 };
  const badLines: BadLine[] = [];
  const resolve = keyResolver(context, tenant);

  const count = async (batch: readonly UsageLine[]): Promise<BadLine | undefined> => {
    const resolved = await resolve(batch.map(({ key }) => key));
    const bad = batch.find(({ key }) => typeof resolved.get(key) !== 'string');
    const good = bad === undefined || request.dryRun ? batch : batch.slice(0, batch.indexOf(bad));
    const counted = good.filter(({ key }) => typeof resolved.get(key) === 'string');
    const last = good.at(-1);
    if (!request.dryRun && last !== undefined) {
      await storeBatch(context, {
        source,
        position: last.line,
        increments: incrementsOf(counted, resolved, now),
      });
    }
    for (const { requests, spendCents } of counted) {
      state.counted++;
      state.requests += requests;
      state.spendCents += spendCents;
    }
    if (request.dryRun) {
      for (const { line, key } of batch) {
        const reason = resolved.get(key);
        if (typeof reason !== 'string') badLines.push({ line, reason: reason?.reason ?? 'no key matches' });
      }
      return undefined;
    }
    return bad && { line: bad.line, reason: unresolvedReason(resolved.get(bad.key)) };
  };

  let batch: UsageLine[] = [];
  const finish = async (stop?: BadLine): Promise<void> => {
    const bad = (await count(batch)) ?? stop;
    batch = [];
    if (bad !== undefined) throw badLineError(bad, request.importId !== undefined);
  };
  for await (const line of lines) {
    if (line.line <= done) {
      state.skipped++;
    } else if ('reason' in line) {
      if (!request.dryRun) await finish(line);
      badLines.push(line);
    } else if (batch.push(line) === BATCH) {
      await finish();
    }
  }
  await finish();
  return { ...state, badLines: badLines.sort((a, b) => a.line - b.line).slice(0, MOST_BAD_LINES) };
}

/** Without an import id every run is one of its own. */
function sourceOf(importId: string | undefined, tenant: string | undefined): string {
  if (importId === undefined) return newId();
  const id = checkIdempotencyKey(importId);
  // Both may be long, and a source has 200 characters.
  return `${IMPORT}${createHash('sha256')
    .update(JSON.stringify([tenant ?? null, id]))
    .digest('hex')}`;
}

function incrementsOf(
  lines: readonly UsageLine[],
  ids: ReadonlyMap<string, string | Unresolved>,
  now: Date,
): ReturnType<Pending['take']> {
  const pending = new Pending();
  for (const { key, requests, spendCents, at } of lines) {
    const id = ids.get(key);
    const time = Math.min((at ?? now).getTime(), now.getTime());
    const addition: Addition = { requests, spendCents, lastUsedAt: time };
    if (typeof id === 'string') pending.add(id, time, addition);
  }
  return pending.take(pending.size);
}

interface Unresolved {
  readonly reason: string;
}

/** Finds out which key each reference means, each once. */
function keyResolver(context: ServiceContext, tenant: string | undefined) {
  const known = new Map<string, string | Unresolved>();
  return async (references: readonly string[]): Promise<ReadonlyMap<string, string | Unresolved>> => {
    const unknown = [...new Set(references)].filter((reference) => !known.has(reference));
    if (unknown.length > 0) {
      await read(context.engine, async (session) => {
        for (const reference of unknown) known.set(reference, await idOf(session, reference, tenant));
      });
    }
    return known;
  };
}

async function idOf(
  session: Session,
  reference: string,
  tenant: string | undefined,
): Promise<string | Unresolved> {
  const [only, another] = await findCandidates(session, reference, tenant, 2);
  if (only === undefined) return { reason: 'no key matches' };
  return another === undefined ? only : { reason: 'more than one key matches' };
}

const unresolvedReason = (value: string | Unresolved | undefined): string =>
  typeof value === 'object' ? value.reason : 'no key matches';

function badLineError({ line, reason }: BadLine, repeatable: boolean): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', `line ${line}: ${reason}; the lines before it are counted`, {
    hint: repeatable
      ? 'Mend the line and run it again with the same --import-id: it goes on from there.'
      : `Mend the line and run it again from line ${line} on: without --import-id, lines count again.`,
  });
}
