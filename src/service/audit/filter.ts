import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { AUDIT_ACTIONS } from '../../domain/audit.js';
import { parseTimeExpression, type TimeExpression } from '../../domain/duration.js';
import type { KeyReference } from '../../domain/key-reference.js';
import { quote } from '../../domain/quote.js';
import { checkActor, checkOwner } from '../../domain/text.js';
import { ApiKeysError, invariant } from '../../errors.js';
import { type EventFilter, hasEvents } from '../../repository/audit.js';
import { readMoment } from '../../repository/clock.js';
import type { ReferenceScope } from '../../repository/key-references.js';
import { findKeysInTrail } from '../../repository/keys-in-trail.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { keyInTrailAmbiguous, keyWithoutEvents, MOST_NAMED } from '../refusals.js';
import { checkReferences, resolveKeys } from '../resolve-keys.js';

export interface AuditFilter {
  /** A key's id, prefix, name or raw key, also of one that was deleted. */
  readonly key?: KeyReference | undefined;
  readonly owner?: string | undefined;
  /** Events of this time or later: an RFC 3339 time, a UTC day, from its start, or a duration back from now. */
  readonly since?: string | undefined;
  /** Events before this time, written alike; of a day, through its end. */
  readonly until?: string | undefined;
  readonly actor?: string | undefined;
  /** One of `AUDIT_ACTIONS`. */
  readonly action?: string | undefined;
}

/** A filter whose words were understood; its times and its key are the database's to say. */
export interface CheckedFilter extends Omit<EventFilter, 'since' | 'until' | 'keyId'> {
  readonly key: KeyReference | undefined;
  readonly since: TimeExpression | undefined;
  readonly until: TimeExpression | undefined;
}

/** Throws `INVALID_INPUT`. */
export function checkFilter(context: ServiceContext, filter: AuditFilter): CheckedFilter {
  const { key, owner, since, until, actor, action } = filter;
  return {
    key,
    tenant: tenantOf(context),
    owner: owner === undefined ? undefined : checkOwner(owner),
    since: since === undefined ? undefined : parseTimeExpression(since),
    until: until === undefined ? undefined : parseTimeExpression(until, 'after'),
    actor: actor === undefined ? undefined : checkActor(actor),
    action: action === undefined ? undefined : checkAction(action),
  };
}

/** A word that no event has would find nothing, as if nothing had been done. */
function checkAction(action: string): string {
  if (AUDIT_ACTIONS.some((known) => known === action)) return action;
  throw new ApiKeysError('INVALID_INPUT', `no event has the action ${quote(action)}`, {
    details: { reason: 'unknown_action', known: AUDIT_ACTIONS },
  });
}

/**
 * Finds the key and the times that a filter means, as of now. Throws `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`,
 * `SECRET_IN_ARGUMENT`.
 */
export async function resolveFilter(context: ServiceContext, filter: CheckedFilter): Promise<EventFilter> {
  const { key, since, until, ...rest } = filter;
  const keyId = key === undefined ? undefined : await resolveKeyId(context, key, rest);
  if (since?.kind !== 'duration' && until?.kind !== 'duration') {
    return { ...rest, keyId, since: since?.at, until: until?.at };
  }
  const now = await read(context.engine, clockOf);
  return { ...rest, keyId, since: timeOf(since, now), until: timeOf(until, now) };
}

const clockOf = async (session: Session): Promise<Date> => (await readMoment(session)).now;

function timeOf(moment: TimeExpression | undefined, now: Date): Date | undefined {
  return moment?.kind === 'duration' ? new Date(now.getTime() - moment.ms) : moment?.at;
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Events outlive their key, and tell its name and the prefixes of its secrets. A raw key is known by its hash while it is
 * kept, and by its prefix after that.
 */
async function resolveKeyId(
  context: ServiceContext,
  reference: KeyReference,
  scope: ReferenceScope,
): Promise<string> {
  const [wanted] = checkReferences(context, [reference]);
  invariant(wanted !== undefined, 'a reference was lost');
  const [key] = await resolveKeys(context, [reference], { owner: scope.owner, ignoreMissing: true });
  if (key !== undefined) return key.id;
  const name = 'name' in wanted ? wanted.name : wanted.keyPrefix;
  const id = name.toLowerCase();
  const isKept =
    UUID.test(id) && (await read(context.engine, (session) => hasEvents(session, id, scope.tenant)));
  if (isKept) return id;
  const told = await read(context.engine, (session) => findKeysInTrail(session, name, scope, MOST_NAMED + 1));
  const [only, another] = told;
  if (only === undefined) throw keyWithoutEvents(name);
  if (another !== undefined) throw keyInTrailAmbiguous(name, told);
  return only.id;
}
