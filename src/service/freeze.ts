import { type Expiry, parseEnd } from '../domain/duration.js';
import { isFrozenAt } from '../domain/key.js';
import { checkReason } from '../domain/text.js';
import { ApiKeysError } from '../errors.js';
import type { OwnerFreeze } from '../repository/owners.js';

export interface FreezeOptions {
  /** A duration, an RFC 3339 time, or a UTC day, through its end: it thaws by itself then; `never` unless named. */
  readonly until?: string | undefined;
  readonly reason?: string | undefined;
}

export interface ParsedFreezeOptions {
  readonly until: Expiry;
  readonly reason: string | null;
}

export function parseFreezeOptions({ until, reason }: FreezeOptions): ParsedFreezeOptions {
  return {
    until: until === undefined ? { kind: 'never' } : parseFreezeEnd(until),
    reason: reason === undefined ? null : checkReason(reason),
  };
}

/** Zero is no end: a freeze that is over at once was not meant, nor is one for ever. */
function parseFreezeEnd(text: string): Expiry {
  const end = parseEnd(text);
  if (end.kind !== 'in' || end.ms > 0) return end;
  throw new ApiKeysError('INVALID_INPUT', 'a freeze has to last longer than zero; nothing was frozen', {
    details: { reason: 'freeze_zero' },
  });
}

/** What is to be stored so that it is frozen by these options and no shorter than it was; null if that is so already. */
export function nextFreeze(
  present: OwnerFreeze,
  options: ParsedFreezeOptions,
  { now, actor }: { now: Date; actor: string },
): { at: Date; until: Date | null; by: string; reason: string | null } | null {
  const until = endOf(options.until, now);
  const { frozenAt, frozenUntil, frozenBy, frozenReason } = present;
  if (frozenAt === null || !isFrozenAt(present, now))
    return { at: now, until, by: actor, reason: options.reason };
  const longer = frozenUntil !== null && (until === null || until > frozenUntil);
  if (!longer) return null;
  return { at: frozenAt, until, by: frozenBy ?? actor, reason: options.reason ?? frozenReason };
}

function endOf(until: ParsedFreezeOptions['until'], now: Date): Date | null {
  if (until.kind === 'never') return null;
  const end = until.kind === 'at' ? until.at : new Date(now.getTime() + until.ms);
  if (end > now) return end;
  throw new ApiKeysError('INVALID_INPUT', `${end.toISOString()} is in the past; nothing was frozen`, {
    details: { reason: 'freeze_past' },
  });
}
