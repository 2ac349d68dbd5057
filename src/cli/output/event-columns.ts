import type { ListedEvent } from '../../repository/audit.js';
import { eventStory, eventWords } from './event-words.js';
import { eventJson } from './key-json.js';
import type { Column, Listing, Ui } from './result.js';

/** The columns of the audit trail, in the order that tsv and csv keep. */
export const EVENT_COLUMNS: readonly Column<ListedEvent>[] = [
  { name: 'at', header: 'when', value: (event) => event.at, priority: 9 },
  {
    name: 'key_id',
    header: 'key',
    value: (event) => event.keyId,
    cell: (event, ui) => keyCell(event) ?? ui.dim('-'),
    priority: 8,
    flexible: true,
    minWidth: 11,
  },
  { name: 'owner_id', header: 'owner', value: (event) => event.ownerId, priority: 5, flexible: true },
  {
    name: 'action',
    header: 'what',
    value: (event) => event.action,
    cell: eventWords,
    priority: 10,
    flexible: true,
    minWidth: 20,
  },
  { name: 'actor', header: 'who', value: (event) => event.actor, priority: 7, flexible: true },
  { name: 'reason', header: 'why', value: (event) => event.reason, priority: 6, flexible: true },
  { name: 'tenant_id', header: 'tenant', value: (event) => event.tenantId, priority: 4, flexible: true },
  { name: 'db_role', header: 'role', value: (event) => event.dbRole, priority: 3, flexible: true },
  { name: 'seq', header: 'seq', value: (event) => event.seq, align: 'right', priority: 2 },
  { name: 'id', header: 'id', value: (event) => event.id, priority: 1 },
  { name: 'details', header: 'details', value: (event) => event.details, priority: 0, maxWidth: 60 },
];

/** How the audit trail is printed page by page. */
export const EVENT_LISTING: Listing<ListedEvent> = {
  name: 'events',
  rest: { next_cursor: null },
  record: eventJson,
  columns: EVENT_COLUMNS,
  quiet: ({ id }) => id,
  empty: 'No events match.',
};

/** A key that was deleted has no name any more but its id. */
const keyCell = ({ keyPrefix, keyId }: ListedEvent): string | null => keyPrefix ?? keyId;

/** One line a person reads as it comes: `2026-11-21 01:33:14  rv_9ab415e7  frozen until it is unfrozen, by alice: leak`. */
export function eventLine(event: ListedEvent, ui: Ui): string {
  const time = event.at.toISOString().slice(0, 19).replace('T', ' ');
  const of = keyCell(event) ?? `owner ${event.ownerId}`;
  return `${ui.chalk.dim(time)}  ${ui.chalk.bold(ui.text(of))}  ${ui.text(eventStory(event, ui))}\n`;
}
