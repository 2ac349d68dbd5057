import { parseExpiry } from '../../domain/duration.js';
import { isFrozenAt } from '../../domain/key.js';
import { quote } from '../../domain/quote.js';
import { checkReason } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import { type KeyFreeze, type KeyRow, markFrozen, markUnfrozen } from '../../repository/keys.js';
import type { EventContent } from '../audit/events.js';
import { actorOf, requireKeyManagement, type ServiceContext } from '../context.js';
import { type ChangedKeys, type ChangeOptions, changeKeys, type KeysTarget } from './change-keys.js';

export interface FreezeOptions {
  /** A duration, or an RFC 3339 time: it thaws by itself then; for ever unless named. */
  readonly until?: string | undefined;
  readonly reason?: string | undefined;
}

export type FreezeRequest = KeysTarget & ChangeOptions & FreezeOptions;
export type UnfreezeRequest = KeysTarget & ChangeOptions & { readonly reason?: string | undefined };

/**
 * Suspends keys, all of them or none. A freeze is never shortened by another: it lasts until the later of both ends.
 * Freezing what is frozen as long already changes nothing, and the first reason and time stay. A freeze that has
 * lapsed is no freeze. A revoked key is refused (`KEY_REVOKED`). Throws as {@link changeKeys} does.
 */
export async function freezeKeys(context: ServiceContext, request: FreezeRequest): Promise<ChangedKeys> {
  const terms = checkTerms(request);
  const actor = actorOf(context);
  return changeKeys<EventContent & { freeze: Omit<KeyFreeze, 'head'> }>(context, request, {
    endsAccess: true,
    plan(key, now) {
      if (key.revokedAt !== null) throw revokedError(key, 'frozen');
      const freeze = nextFreeze(key, terms, { now, actor });
      return (
        freeze && {
          action: 'key.frozen',
          reason: terms.reason,
          details: { until: freeze.until, frozen_at: freeze.at },
          freeze,
        }
      );
    },
    write: (session, changes) =>
      markFrozen(
        session,
        changes.map(({ plan, head }) => ({ ...plan.freeze, head })),
      ),
  });
}

/**
 * Lifts the freeze of keys, all of them or none; their owner's freeze stays, and with it they stay frozen. A key that
 * is not frozen is left as it is. Throws `FEATURE_DISABLED`, and as {@link changeKeys} does.
 */
export async function unfreezeKeys(context: ServiceContext, request: UnfreezeRequest): Promise<ChangedKeys> {
  requireKeyManagement(context);
  const reason = request.reason === undefined ? null : checkReason(request.reason);
  return changeKeys(context, request, {
    endsAccess: false,
    plan: (key, now) => (isFrozenAt(key, now) ? { action: 'key.unfrozen', reason, details: {} } : null),
    write: (session, changes) =>
      markUnfrozen(
        session,
        changes.map(({ head }) => head),
      ),
  });
}

export interface ParsedFreezeOptions {
  readonly until: ReturnType<typeof parseExpiry>;
  readonly reason: string | null;
}

export function checkTerms({ until, reason }: FreezeOptions): ParsedFreezeOptions {
  return {
    until: until === undefined ? { kind: 'never' } : parseExpiry(until),
    reason: reason === undefined ? null : checkReason(reason),
  };
}

interface PresentFreeze {
  readonly frozenAt: Date | null;
  readonly frozenUntil: Date | null;
  readonly frozenBy: string | null;
  readonly frozenReason: string | null;
}

/** What is to be stored so that it is frozen by these terms and no shorter than it was; null if that is so already. */
export function nextFreeze(
  present: PresentFreeze,
  terms: ParsedFreezeOptions,
  { now, actor }: { now: Date; actor: string },
): { at: Date; until: Date | null; by: string; reason: string | null } | null {
  const until = endOf(terms.until, now);
  const { frozenAt, frozenUntil, frozenBy, frozenReason } = present;
  if (frozenAt === null || !isFrozenAt(present, now))
    return { at: now, until, by: actor, reason: terms.reason };
  const longer = frozenUntil !== null && (until === null || until > frozenUntil);
  if (!longer) return null;
  return { at: frozenAt, until, by: frozenBy ?? actor, reason: terms.reason ?? frozenReason };
}

function endOf(until: ParsedFreezeOptions['until'], now: Date): Date | null {
  if (until.kind === 'never') return null;
  const end = until.kind === 'at' ? until.at : new Date(now.getTime() + until.ms);
  if (end > now) return end;
  throw new ApiKeysError('INVALID_INPUT', `${end.toISOString()} is in the past; nothing was frozen`, {
    details: { reason: 'freeze_past' },
  });
}

export function revokedError(key: KeyRow, done: string): ApiKeysError {
  return new ApiKeysError(
    'KEY_REVOKED',
    `key ${quote(key.name)} (${key.keyPrefix}) is revoked, so it cannot be ${done}; nothing was changed`,
    { details: { key: key.id } },
  );
}
