import { CHAIN_KINDS, chainKind } from '../../domain/audit.js';
import type { ChainRef } from '../../repository/audit-anchors.js';
import type { ChainPage } from '../../repository/audit-chains.js';
import type { TenantScope } from '../../repository/tenant-condition.js';

/**
 * The order in which chains are read: those of keys by their ids, then those of owners by tenant and owner. Text is
 * compared by its bytes in UTF-8, as the database's collation "C" does.
 */
export function compareChains(a: ChainRef, b: ChainRef): number {
  if (a.keyId !== null && b.keyId !== null) return a.keyId === b.keyId ? 0 : a.keyId < b.keyId ? -1 : 1;
  if (a.keyId !== null || b.keyId !== null) return a.keyId === null ? 1 : -1;
  return compareText(a.tenantId, b.tenantId) || compareText(a.ownerId, b.ownerId);
}

const compareText = (a: string, b: string): number =>
  a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Rows that are read at a time. */
const PAGE = 500;

/**
 * All rows of a query that pages through the chains of keys, then through those of owners; with a position in either, what
 * follows it.
 */
export async function* inChainOrder<Item extends Position, Position extends Pick<ChainRef, 'keyId'>>(
  tenant: TenantScope,
  query: (page: ChainPage<Position>) => Promise<readonly Item[]>,
  start?: Position,
): AsyncGenerator<readonly Item[]> {
  for (const kind of CHAIN_KINDS) {
    if (kind === 'key' && start?.keyId === null) continue;
    let after = start !== undefined && chainKind(start) === kind ? start : undefined;
    do {
      const rows = await query({ kind, tenant, after, limit: PAGE });
      if (rows.length > 0) yield rows;
      after = rows.length < PAGE ? undefined : rows.at(-1);
    } while (after !== undefined);
  }
}

/** Items that arrive page by page, looked at one by one. */
export class PeekableIterator<Item> {
  readonly #pages: AsyncIterator<readonly Item[]>;
  #page: readonly Item[] = [];
  #index = -1;

  private constructor(pages: AsyncIterable<readonly Item[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  static async over<Item>(pages: AsyncIterable<readonly Item[]>): Promise<PeekableIterator<Item>> {
    const ahead = new PeekableIterator(pages);
    await ahead.step();
    return ahead;
  }

  /** The item that is next; undefined at the end. */
  get next(): Item | undefined {
    return this.#page[this.#index];
  }

  async step(): Promise<void> {
    this.#index += 1;
    while (this.#index >= this.#page.length) {
      const { done, value } = await this.#pages.next();
      if (done) return;
      this.#page = value;
      this.#index = 0;
    }
  }
}

/** The item of this chain, if it is next, and steps over it. */
export async function takeIfCurrent<Item extends ChainRef>(
  ahead: PeekableIterator<Item>,
  chain: ChainRef,
): Promise<Item | undefined> {
  const item = ahead.next;
  if (item === undefined || compareChains(item, chain) !== 0) return undefined;
  await ahead.step();
  return item;
}

/** The chain that comes first among those that are next. */
export function smallestChain(aheads: readonly PeekableIterator<ChainRef>[]): ChainRef | undefined {
  let first: ChainRef | undefined;
  for (const { next } of aheads) {
    if (next !== undefined && (first === undefined || compareChains(next, first) < 0)) first = next;
  }
  return first;
}
