import type { ListedEvent } from '../../repository/audit.js';
import { eventJson } from '../../representation/event.js';
import { eventStory, ownerWords } from './event-words.js';
import type { Column, Formatter, Listing } from './result.js';

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

/** A key that was deleted has no name any more but its id. */
export const keyCell = ({ keyPrefix, keyId }: ListedEvent): string | null => keyPrefix ?? keyId;

/** One line a person reads as it comes: `2026-11-21 01:33:14  rv_9ab415e7  frozen until it is unfrozen, by alice: leak`. */
export function eventLine(event: ListedEvent, ui: Formatter): string {
  const time = event.at.toISOString().slice(0, 19).replace('T', ' ');
  const of = keyCell(event) ?? ownerWords(event);
  return `${time}  ${ui.chalk.bold(ui.text(of))}  ${ui.text(eventStory(event, ui))}\n`;
}
