import { detailsOf } from '../../domain/audit.js';
import type { ListedEvent } from '../../repository/audit.js';
import { eventJson } from '../../representation/event.js';
import type { Column, Listing } from './result.js';

/** The columns of the audit trail, in the order that tsv and csv keep; people read stories. */
export const EVENT_COLUMNS: readonly Column<ListedEvent>[] = [
  { name: 'at', header: 'when', value: (event) => event.at },
  { name: 'key_id', header: 'key', value: (event) => event.keyId },
  { name: 'owner_id', header: 'owner', value: (event) => event.ownerId },
  { name: 'action', header: 'what', value: (event) => event.action },
  { name: 'actor', header: 'who', value: (event) => event.actor },
  { name: 'reason', header: 'why', value: (event) => event.reason },
  { name: 'tenant_id', header: 'tenant', value: (event) => event.tenantId },
  { name: 'db_role', header: 'role', value: (event) => event.dbRole },
  { name: 'seq', header: 'seq', value: (event) => event.seq },
  { name: 'id', header: 'id', value: (event) => event.id },
  { name: 'details', header: 'details', value: (event) => event.details },
];

export const NO_EVENTS = 'No events match. `apikeys audit` without options shows the latest.';

/** How the audit trail is printed page by page. */
export const EVENT_LISTING: Listing<ListedEvent> = {
  name: 'events',
  rest: { next_cursor: null },
  record: eventJson,
  columns: EVENT_COLUMNS,
  quiet: ({ id }) => id,
  empty: NO_EVENTS,
};

/**
 * What names the key of an event in the next command, whole: its prefix, or once it was deleted the one that the event
 * tells, or its id.
 */
export function keyHandle(event: ListedEvent): string | null {
  const { key_prefix } = detailsOf(event);
  return event.keyPrefix ?? (typeof key_prefix === 'string' ? key_prefix : event.keyId);
}
