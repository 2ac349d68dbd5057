import type { ListedEvent } from '../../repository/audit.js';
import { keyHandle } from './event-columns.js';
import { eventStory, eventStyle, ownerWords } from './event-words.js';
import { paragraph } from './paragraph.js';
import type { Formatter } from './result.js';
import { utcTime } from './time.js';

/** Whose event it is: `CI deploy of alice`; of a key that was deleted the name is gone. */
const subject = ({ keyName, ownerId }: ListedEvent): string =>
  keyName === null ? `key of ${ownerId}` : `${keyName} of ${ownerId}`;

/** A paragraph an event: when, of which key, and the whole of its story. */
export function eventStories(events: readonly ListedEvent[], ui: Formatter): string {
  const rows = events.map((event) => ({ event, when: ui.relative(event.at), of: keyHandle(event) ?? '' }));
  const widest = Math.max(0, ...rows.map(({ when }) => when.length));
  return ui.record({
    fields: rows.map(({ event, when, of }) => {
      const whose = event.keyId === null ? ownerWords(event) : subject(event);
      return {
        label: `${when.padEnd(widest)}  ${of}`,
        value: { text: `${whose}: ${eventStory(event, ui)}`, style: eventStyle(event, ui) },
      };
    }),
  });
}

/**
 * One event that a person reads as it comes, folded between words:
 * `2026-11-21 01:33:14 UTC  rv_9ab415e7  CI deploy of alice: frozen until it is unfrozen, by alice: leak`.
 */
export function eventLine(event: ListedEvent, ui: Formatter): string {
  const handle = keyHandle(event);
  const whose = event.keyId === null ? ownerWords(event) : subject(event);
  const lead = [utcTime(event.at), ...(handle === null ? [] : [ui.text(handle)])].join('  ');
  const story = ui.text(`${whose}: ${eventStory(event, ui)}`);
  const [first = '', ...rest] = paragraph(`${lead}  ${story}`, { width: ui.width, indent: 4 }).split('\n');
  const style = eventStyle(event, ui);
  return [first, ...rest].map((line) => `${style(line)}\n`).join('');
}
