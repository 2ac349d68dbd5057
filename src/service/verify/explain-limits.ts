import { COUNTED_LIMITS, type CountedLimit } from '../../domain/limits.js';
import { type LimitUse, limitUses } from '../../domain/standing.js';
import type { LimitCheck } from '../../domain/verification.js';
import type { AskedRequest, CountedRequest } from '../../repository/limit-counters.js';

/** What one check answers. */
export interface Answer {
  /**
   * Null where there was nothing to check, or a check before it left nothing to look at. A wrong checksum alone does
   * not refuse a key: it may be an imported one.
   */
  readonly passed: boolean | null;
  /** One sentence for a person. It never holds a part of the raw key. */
  readonly detail: string;
}

export const answer = (passed: boolean | null, detail: string): Answer => ({ passed, detail });

/** The checks of what a key and its owner may use; undefined: neither has limits. */
export function limitAnswers(
  counted: CountedRequest | undefined,
  { ip, spendCents }: Pick<AskedRequest, 'ip' | 'spendCents'>,
): Readonly<Record<LimitCheck, Answer>> {
  const uses = [
    ...(counted?.key == null ? [] : limitUses('key', counted.key)),
    ...(counted?.owner == null ? [] : limitUses('owner', counted.owner)),
  ];
  const [rate, quota, budget] = COUNTED_LIMITS.map((limit) => ofLimit(limit, uses, spendCents));
  return {
    address: ofAddress(counted, ip),
    rate: rate ?? NONE,
    quota: quota ?? NONE,
    budget: budget ?? NONE,
  };
}

const NONE = answer(null, 'there is no such limit');

function ofAddress(counted: CountedRequest | undefined, ip: string | null): Answer {
  if (counted?.refusedBy !== 'address') {
    return ip === null ? answer(null, 'no address was given') : answer(true, `${ip} is allowed`);
  }
  return answer(
    false,
    ip === null ? 'it is allowed some addresses alone, and none was given' : `${ip} is not allowed`,
  );
}

function ofLimit(limit: CountedLimit, all: readonly LimitUse[], spendCents: number): Answer {
  const uses = all.filter((use) => use.limit === limit);
  if (uses.length === 0) return NONE;
  const cost = limit === 'budget' ? Math.max(1, spendCents) : 1;
  const unit = limit === 'budget' ? 'cents' : 'requests';
  const passed = uses.every(({ remaining }) => remaining >= cost);
  const told = uses.map(({ of, remaining, allowed, resetsAt }) => {
    const again = resetsAt === null ? '' : ` until ${resetsAt.toISOString()}`;
    return `the ${of} has ${remaining} of ${allowed} ${unit} left${again}`;
  });
  return answer(passed, told.join('; '));
}
