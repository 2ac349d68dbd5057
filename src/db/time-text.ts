import { FIRST_TIME, LAST_TIME, timeWithin } from '../domain/time.js';

const COMMON = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:?\d\d)?$/;
const RARE =
  /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?( BC)?$/;

/**
 * Reads a `timestamptz` as PostgreSQL writes it, cut to whole milliseconds and to what RFC 3339 can say: `-infinity` lies
 * before everything, `infinity` after it. Accepts DateStyle ISO alone: any other could be read as another day without a word.
 */
export function timeFromText(text: string): Date {
  const [, day, time, hours, minutes = ':00'] = COMMON.exec(text) ?? [];
  if (day !== undefined) return timeWithin(Date.parse(`${day}T${time}${hours}${minutes}`));
  if (text === 'infinity') return new Date(LAST_TIME);
  if (text === '-infinity') return new Date(FIRST_TIME);
  return rareTime(text);
}

/** Years of five digits and before Christ, and zones whose offset had seconds once; the last day of 9999 is one east of Greenwich. */
function rareTime(text: string): Date {
  const match = RARE.exec(text);
  if (match === null) throw new RangeError('a time came back that is not in DateStyle ISO');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [fraction = '', sign, ...offset] = match.slice(7, 12);
  const [hours = 0, minutes = 0, seconds = 0] = offset.map((part = '0') => Number(part));
  const east = (sign === '-' ? -1_000 : 1_000) * (hours * 3_600 + minutes * 60 + seconds);
  const time = new Date(0);
  time.setUTCFullYear(match[12] === undefined ? year : 1 - year, month - 1, day);
  time.setUTCHours(hour, minute, second, Number(fraction.padEnd(3, '0').slice(0, 3)));
  // A year that no Date can hold lies beyond the range at its own end.
  const ms = Number.isNaN(time.getTime())
    ? match[12] === undefined
      ? LAST_TIME
      : FIRST_TIME
    : time.getTime() - east;
  return timeWithin(ms);
}
