import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { IN_ORDER } from '../../repository/cleanup.js';
import { type DatabaseMoment, readMoment } from '../../repository/clock.js';
import type { CleanupRun } from './run.js';

/** How many rows one statement of the scan reads: few enough to take a fraction of a second. */
const PAGE_SIZE = 2_000;
/**
 * How many items are buffered before they are handed out in the order of their keys' ids. Keys that were made at about the
 * same time lie side by side in the tables and in most indexes, so each page is then visited once: half the work.
 */
const BUFFER_SIZE = 20_000;

/** The items of one key: they go together or stay together, for they share an event. */
export type ItemsOfKey<Item> = readonly [Item, ...Item[]];

export interface DueQuery<Item> {
  /** The next items in the order of the scan, those that are not due among them. */
  find(session: Session, after: Item | undefined, limit: number): Promise<Item[]>;
  /** The key that the item is, or belongs to. */
  keyOf(item: Item): string;
}

/** A keyset scan over what may be due, from its beginning to its end. */
export class DueItems<Item extends { readonly due: boolean }> {
  readonly #run: CleanupRun;
  readonly #query: DueQuery<Item>;
  #after: Item | undefined;
  #isOver = false;
  #moment: DatabaseMoment;

  constructor(run: CleanupRun, query: DueQuery<Item>) {
    this.#run = run;
    this.#query = query;
    this.#moment = run.start.moment;
  }

  /** The database's clock when it was read last. */
  get moment(): DatabaseMoment {
    return this.#moment;
  }

  /** The next due items, key by key in the order of the keys' ids: so that is the order in which they are locked. Empty at the end. */
  async next(): Promise<ItemsOfKey<Item>[]> {
    const due: Item[] = [];
    while (!this.#isOver && due.length < BUFFER_SIZE) {
      const items = await this.#page();
      this.#after = items.at(-1);
      this.#isOver = items.length < PAGE_SIZE;
      due.push(...items.filter((item) => item.due));
    }
    return byKey(due, this.#query.keyOf);
  }

  #page(): Promise<Item[]> {
    return read(
      this.#run.engine,
      async (session) => {
        this.#moment = await readMoment(session);
        return this.#query.find(session, this.#after, PAGE_SIZE);
      },
      { prelude: IN_ORDER },
    );
  }
}

function byKey<Item>(items: readonly Item[], keyOf: (item: Item) => string): ItemsOfKey<Item>[] {
  const groups = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
