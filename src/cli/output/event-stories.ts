import type { ListedEvent } from '../../repository/audit.js';
import { keyCell } from './event-columns.js';
import { eventStory, ownerWords } from './event-words.js';
import type { Formatter } from './result.js';
import { truncateMiddle } from './width.js';

/** Leaves half of a terminal of 80 columns to the story. */
const OF_WIDTH = 24;

/** `rv_9ab415e7 of alice`, `owner alice`. */
function subject(event: ListedEvent): string {
  const key = keyCell(event);
  if (key === null) return truncateMiddle(ownerWords(event), OF_WIDTH);
  const shown = truncateMiddle(key, 13);
  return `${shown} of ${truncateMiddle(event.ownerId, OF_WIDTH - shown.length - 4)}`;
}

/** A paragraph an event: when, of which key, and the whole of its story. */
export function eventStories(events: readonly ListedEvent[], ui: Formatter): string {
  const rows = events.map((event) => ({ event, when: ui.relative(event.at), of: ui.text(subject(event)) }));
  const widest = Math.max(0, ...rows.map(({ when }) => when.length));
  return ui.record({
    fields: rows.map(({ event, when, of }) => ({
      label: `${when.padEnd(widest)}  ${of}`,
      value: eventStory(event, ui),
    })),
  });
}
