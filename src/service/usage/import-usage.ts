import { createHash } from 'node:crypto';
import { read } from '../../db/transaction.js';
import { newId } from '../../domain/id.js';
import { checkIdempotencyKey } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import { readMoment } from '../../repository/clock.js';
import { findCandidatesOfAll } from '../../repository/key-references.js';
import { IMPORT, type Progress, readProgress } from '../../repository/usage-flush.js';
import { actorOf, type ServiceContext, tenantOf } from '../context.js';
import { meantBy } from '../resolve-keys.js';
import { Pending } from './pending.js';
import { type LinesOutcome, storeLines } from './store.js';

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
  /** The chain of the database, if it was found broken: the events of this begin a new segment there. */
  readonly brokenChains: readonly ChainRef[];
}

const BATCH = 5_000;
export const MOST_BAD_LINES = 100;

/**
 * Counts lines of usage in batches, each in its own transaction together with the number of its last line: killed at
 * any moment, it goes on where it was when it is run again with the same import id and the same input. Several runs may
 * do so at once: each line is counted by one of them. Each batch leaves an event in the chain of the database. Ends at
 * the first bad line, after counting all lines before it.
 *
 * Throws `INVALID_INPUT` with the number of a bad line, or for another input than was counted under this import id, and
 * what {@link transaction} throws.
 */
export async function importUsage(
  context: ServiceContext,
  lines: AsyncIterable<UsageLine | BadLine>,
  request: ImportRequest = {},
): Promise<ImportedUsage> {
  const tenant = tenantOf(context);
  const actor = actorOf(context);
  await context.ready();
  const { now } = await read(context.engine, readMoment);
  const run = new ImportRun(context, {
    source: sourceOf(request.importId, tenant),
    repeatable: request.importId !== undefined,
    dryRun: request.dryRun ?? false,
    actor,
    scope: { import_id: request.importId ?? null, tenant_id: tenant ?? null },
    keys: new KeyResolver(context, tenant),
    now,
  });
  await run.begin();
  let batch: (UsageLine | BadLine)[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length < BATCH && (run.dryRun || !isBad(line))) continue;
    await run.take(batch);
    batch = [];
  }
  await run.take(batch);
  return run.result();
}

interface RunOptions {
  readonly source: string;
  readonly repeatable: boolean;
  readonly dryRun: boolean;
  readonly actor: string;
  /** What every event of the run says. */
  readonly scope: { readonly import_id: string | null; readonly tenant_id: string | null };
  readonly keys: KeyResolver;
  /** The database's clock. */
  readonly now: Date;
}

/** One run of an import, beside others of the same source perhaps. */
class ImportRun {
  readonly #context: ServiceContext;
  readonly #options: RunOptions;
  /** How far all runs have come, as this one knows. */
  #progress: Progress = { position: 0, digest: null };
  /** Of all lines that this run has passed. */
  #digest = createHash('sha256');
  readonly #sums = { counted: 0, skipped: 0, requests: 0, spendCents: 0 };
  readonly #badLines: BadLine[] = [];
  #brokenChains: readonly ChainRef[] = [];

  constructor(context: ServiceContext, options: RunOptions) {
    this.#context = context;
    this.#options = options;
  }

  get dryRun(): boolean {
    return this.#options.dryRun;
  }

  /** Reads how far other runs have come. */
  async begin(): Promise<void> {
    this.#progress = await read(this.#context.engine, (session) =>
      readProgress(session, this.#options.source),
    );
  }

  result(): ImportedUsage {
    return {
      ...this.#sums,
      badLines: this.#badLines.sort((a, b) => a.line - b.line).slice(0, MOST_BAD_LINES),
      brokenChains: this.#brokenChains,
    };
  }

  /** Counts the next lines, and leaves out what other runs have counted. Throws for the first bad one. */
  async take(lines: readonly (UsageLine | BadLine)[]): Promise<void> {
    let rest = lines;
    for (let gone = false; ; ) {
      rest = this.#skip(rest);
      const [first] = rest;
      if (first === undefined) return;
      const ids = await this.#options.keys.resolve(rest.flatMap((line) => (isBad(line) ? [] : [line.key])));
      const bad = rest.flatMap((line) => badLine(line, ids) ?? []);
      if (this.dryRun) {
        // No more than will be told is kept, however long the input is.
        this.#badLines.push(...bad.slice(0, MOST_BAD_LINES));
        this.#badLines.splice(MOST_BAD_LINES);
        return this.#sum(rest.filter((line) => badLine(line, ids) === undefined));
      }
      const [firstBad] = bad;
      const good = firstBad === undefined ? rest : rest.filter(({ line }) => line < firstBad.line);
      const outcome = await this.#store(good, ids, gone);
      if (outcome === 'moved') {
        await this.begin();
      } else if (outcome === 'gone') {
        this.#options.keys.forget();
        gone = true;
      } else {
        this.#sum(good);
        if (firstBad === undefined) return;
        throw badLineError(firstBad, this.#options.repeatable);
      }
    }
  }

  async #store(
    lines: readonly (UsageLine | BadLine)[],
    ids: ReadonlyMap<string, ResolvedKey>,
    partly: boolean,
  ): Promise<LinesOutcome> {
    const last = lines.at(-1);
    if (last === undefined) return 'counted';
    const { source, now, actor, scope } = this.#options;
    const after = this.#progress.position;
    const digest = this.#digest.copy();
    for (const line of lines) digest.update(textOf(line));
    const claimed: Progress = { position: last.line, digest: digest.copy().digest() };
    const details = { ...scope, last_line: last.line, ...sumsOf(lines) };
    const { outcome, brokenChains } = await storeLines(
      this.#context,
      { source, after, upTo: claimed.position, digest: claimed.digest },
      {
        increments: incrementsOf(lines, ids, now),
        partly,
        event: { id: newId(), actor, action: 'usage.imported', details },
      },
    );
    if (outcome === 'counted') {
      if (brokenChains.length > 0) this.#brokenChains = brokenChains;
      this.#digest = digest;
      this.#progress = claimed;
    }
    return outcome;
  }

  /** Passes over the lines that have been counted, and gives the others. */
  #skip<Line extends UsageLine | BadLine>(lines: readonly Line[]): readonly Line[] {
    const { position, digest } = this.#progress;
    for (const [index, line] of lines.entries()) {
      if (line.line > position) return lines.slice(index);
      this.#digest.update(textOf(line));
      this.#sums.skipped++;
      if (line.line === position && digest !== null && !this.#digest.copy().digest().equals(digest)) {
        throw anotherInput(position);
      }
    }
    return [];
  }

  #sum(lines: readonly (UsageLine | BadLine)[]): void {
    const { lines: counted, request_count, spend_cents } = sumsOf(lines);
    this.#sums.counted += counted;
    this.#sums.requests += request_count;
    this.#sums.spendCents += spend_cents;
  }
}

/** What these lines add up to, as an event tells it. */
function sumsOf(lines: readonly (UsageLine | BadLine)[]) {
  const sums = { lines: 0, request_count: 0, spend_cents: 0 };
  for (const line of lines) {
    if (isBad(line)) continue;
    sums.lines += 1;
    sums.request_count += line.requests;
    sums.spend_cents += line.spendCents;
  }
  return sums;
}

const isBad = (line: UsageLine | BadLine): line is BadLine => 'reason' in line;

/** A line as its digest sees it: whatever changes what is counted changes this. */
const textOf = (line: UsageLine | BadLine): string =>
  isBad(line)
    ? `${line.line} ${line.reason}\n`
    : `${line.line} ${line.requests} ${line.spendCents} ${line.at?.getTime() ?? ''} ${line.key}\n`;

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
  lines: readonly (UsageLine | BadLine)[],
  ids: ReadonlyMap<string, ResolvedKey>,
  now: Date,
): ReturnType<Pending['take']> {
  const pending = new Pending();
  for (const line of lines) {
    if (isBad(line)) continue;
    const { key, requests, spendCents, at } = line;
    const id = ids.get(key);
    const time = Math.min((at ?? now).getTime(), now.getTime());
    if (typeof id === 'string') pending.add(id, time, { requests, spendCents, lastUsedAt: time });
  }
  return pending.take(pending.size);
}

/** A line that cannot be counted, or whose key is not one. */
function badLine(line: UsageLine | BadLine, ids: ReadonlyMap<string, ResolvedKey>): BadLine | undefined {
  if (isBad(line)) return line;
  const id = ids.get(line.key);
  return typeof id === 'string' ? undefined : { line: line.line, reason: id?.reason ?? 'no key matches' };
}

/** The id of a key, or why there is none. */
type ResolvedKey = string | { readonly reason: string };

/** How many references are remembered, so that an input of any length takes no more memory. */
const MOST_KNOWN = 100_000;

/** Finds out which key each reference means, each once, and many with one statement. */
class KeyResolver {
  readonly #context: ServiceContext;
  readonly #tenant: string | undefined;
  readonly #known = new Map<string, ResolvedKey>();

  constructor(context: ServiceContext, tenant: string | undefined) {
    this.#context = context;
    this.#tenant = tenant;
  }

  /** Asks again for every key from now on. */
  forget(): void {
    this.#known.clear();
  }

  async resolve(references: readonly string[]): Promise<ReadonlyMap<string, ResolvedKey>> {
    if (this.#known.size > MOST_KNOWN) this.forget();
    const unknown = [...new Set(references)].filter((reference) => !this.#known.has(reference));
    if (unknown.length === 0) return this.#known;
    const candidates = await read(this.#context.engine, (session) =>
      findCandidatesOfAll(session, unknown, { tenant: this.#tenant }, 2),
    );
    for (const reference of unknown)
      this.#known.set(reference, onlyOne(meantBy(candidates.get(reference) ?? []).ids));
    return this.#known;
  }
}

function onlyOne([only, another]: readonly string[]): ResolvedKey {
  if (only === undefined) return { reason: 'no key matches' };
  return another === undefined ? only : { reason: 'more than one key matches' };
}

function anotherInput(position: number): ApiKeysError {
  return new ApiKeysError(
    'INVALID_INPUT',
    `this is another input than the one whose first ${position} lines are counted under this import id; nothing of it was counted`,
    { details: { reason: 'import_of_other_input', line: position } },
  );
}

function badLineError({ line, reason }: BadLine, repeatable: boolean): ApiKeysError {
  return new ApiKeysError('INVALID_INPUT', `line ${line}: ${reason}; the lines before it are counted`, {
    details: { reason: 'import_line', line, repeatable },
  });
}
