/** The largest count there is, here, in the database and in JSON: counters stop at it. */
export const MAX_COUNT = Number.MAX_SAFE_INTEGER;

export const DAY_MS = 86_400_000;

/** What is added to one key on one UTC day. Times in milliseconds since 1970, by the database's clock; 0: none. */
export interface Increment {
  readonly keyId: string;
  /** Days since 1970. */
  readonly day: number;
  requests: number;
  spendCents: number;
  /** As much of the spend as no budget has been asked for. */
  lateCents: number;
  refused: number;
  lastUsedAt: number;
  oldSecretUsedAt: number;
  refusedAt: number;
}

export type Addition = Partial<Omit<Increment, 'keyId' | 'day'>>;

/** Increments merged by key and UTC day, in the order of their first arrival. */
export class Pending {
  readonly #increments = new Map<string, Increment>();

  get size(): number {
    return this.#increments.size;
  }

  has(keyId: string, at: number): boolean {
    return this.#increments.has(bucketKey(keyId, at));
  }

  /** Adds to what there is of the key on the day of `at`. */
  add(keyId: string, at: number, addition: Addition): void {
    const key = bucketKey(keyId, at);
    let increment = this.#increments.get(key);
    if (increment === undefined) {
      increment = nothing(keyId, Math.floor(at / DAY_MS));
      this.#increments.set(key, increment);
    }
    merge(increment, addition);
  }

  /** Removes up to `count` and gives them, the first that came first. */
  take(count: number): Increment[] {
    const taken: Increment[] = [];
    for (const [key, increment] of this.#increments) {
      if (taken.length === count) break;
      taken.push(increment);
      this.#increments.delete(key);
    }
    return taken;
  }
}

export const nothing = (keyId: string, day: number): Increment => ({
  keyId,
  day,
  requests: 0,
  spendCents: 0,
  lateCents: 0,
  refused: 0,
  lastUsedAt: 0,
  oldSecretUsedAt: 0,
  refusedAt: 0,
});

export function merge(into: Increment, from: Addition): void {
  into.requests = sum(into.requests, from.requests);
  into.spendCents = sum(into.spendCents, from.spendCents);
  into.lateCents = sum(into.lateCents, from.lateCents);
  into.refused = sum(into.refused, from.refused);
  into.lastUsedAt = Math.max(into.lastUsedAt, from.lastUsedAt ?? 0);
  into.oldSecretUsedAt = Math.max(into.oldSecretUsedAt, from.oldSecretUsedAt ?? 0);
  into.refusedAt = Math.max(into.refusedAt, from.refusedAt ?? 0);
}

const sum = (a: number, b = 0): number => Math.min(a + b, MAX_COUNT);

const bucketKey = (keyId: string, at: number): string => `${keyId}${Math.floor(at / DAY_MS)}`;
