import type { Key } from '../domain/key.js';
import { type CountedLimit, type Limits, limitFacts } from '../domain/limits.js';
import type { LimitsState, LimitUse } from '../domain/standing.js';
import type { LimitsCommandJson, LimitsJson, LimitsStateJson, LimitUseJson } from './schemas/limits.js';
import { isoTimeOrNull } from './time.js';

export const limitsJson = (limits: Limits | null): LimitsJson | null => limits && limitFacts(limits);

/** Limits with what is left of each. */
export function limitsStateJson({ limits, uses }: LimitsState): LimitsStateJson {
  const { rate, quota, budget, allowed_ips } = limitFacts(limits);
  const left = (limit: CountedLimit) => {
    const use = uses.find((one) => one.limit === limit);
    return {
      used: use?.used ?? 0,
      remaining: use?.remaining ?? 0,
      resets_at: isoTimeOrNull(use?.resetsAt ?? null),
    };
  };
  return {
    rate: rate && { ...rate, ...left('rate') },
    quota: quota && { ...quota, ...left('quota') },
    budget: budget && { ...budget, ...left('budget') },
    allowed_ips,
  };
}

export const limitUseJson = (use: LimitUse): LimitUseJson => ({
  of: use.of,
  limit: use.limit,
  allowed: use.allowed,
  used: use.used,
  remaining: use.remaining,
  window_ms: use.windowMs,
  period: use.period,
  resets_at: isoTimeOrNull(use.resetsAt),
});

interface LimitsOf extends LimitsState {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly key: Key | null;
}

export const limitsOfJson = (of: LimitsOf, changed: number): LimitsCommandJson => ({
  tenant_id: of.tenantId,
  owner_id: of.ownerId,
  key_id: of.key?.id ?? null,
  name: of.key?.name ?? null,
  ...limitsStateJson(of),
  changed,
});
