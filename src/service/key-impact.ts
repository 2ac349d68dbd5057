import type { Session } from '../db/engine.js';
import type { Key } from '../domain/key.js';
import { type UsageTotal, usageToday } from '../repository/usage.js';

export const NO_USAGE: UsageTotal = { requestCount: 0, spendCents: 0 };

export interface KeyImpact {
  readonly key: Key;
  readonly usageToday: UsageTotal;
}

/** What an operator wants to see before ending these keys: who used them last, and how much today. */
export async function usageOf(session: Session, keys: readonly Key[]): Promise<KeyImpact[]> {
  const usage = await usageToday(
    session,
    keys.map(({ id }) => id),
  );
  return keys.map((key) => ({ key, usageToday: usage.get(key.id) ?? NO_USAGE }));
}
