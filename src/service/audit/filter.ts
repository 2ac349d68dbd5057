import type { Session } from '../../db/engine.js';
import { read } from '../../db/transaction.js';
import { AUDIT_ACTIONS } from '../../domain/audit.js';
import { parseTimeExpression, type TimeExpression } from '../../domain/duration.js';
import { quote } from '../../domain/quote.js';
import { checkActor, checkOwner } from '../../domain/text.js';
import { ApiKeysError } from '../../errors.js';
import { type EventFilter, hasEvents } from '../../repository/audit.js';
import { readMoment } from '../../repository/clock.js';
import type { TenantScope } from '../../repository/tenant-condition.js';
import { type ServiceContext, tenantOf } from '../context.js';
import { keyWithoutEvents } from '../refusals.js';
import { resolveKeys } from '../resolve-keys.js';

export interface AuditFilter {
  /** A key's id, prefix or name; of a key that was deleted, its id. */
  readonly key?: string | undefined;
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
  readonly key: string | undefined;
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
  const keyId = key === undefined ? undefined : await resolveKeyId(context, key, rest.tenant);
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

/** Events outlive their key, so the id of a deleted one names them still. Its names are in no index any more. */
async function resolveKeyId(
  context: ServiceContext,
  reference: string,
  tenant: TenantScope,
): Promise<string> {
  const [key] = await resolveKeys(context, [reference], { ignoreMissing: true });
  if (key !== undefined) return key.id;
  const id = reference.toLowerCase();
  if (UUID.test(id) && (await read(context.engine, (session) => hasEvents(session, id, tenant)))) return id;
  throw keyWithoutEvents(reference);
}
