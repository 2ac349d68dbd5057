/** The day, ISO week or month of the calendar that usage is added up by, in UTC. */
export const USAGE_PERIODS = ['day', 'week', 'month'] as const;

export type UsagePeriod = (typeof USAGE_PERIODS)[number];

const DAY = 86_400_000;

/** The UTC day of a time, as `2026-12-31`. */
export const dayOf = (time: Date): string => time.toISOString().slice(0, 10);

/**
 * The period that a day is in: `2026-12-31` itself, `2026-W53` or `2026-12`. Weeks begin on Monday, and week 1 of a
 * year is the one with its first Thursday, so that days around New Year can belong to a week of the other year.
 *
 * @example
 * periodOf('2027-01-01', 'week') // '2026-W53'
 */
export function periodOf(day: string, by: UsagePeriod): string {
  if (by === 'day') return day;
  if (by === 'month') return day.slice(0, 7);
  const date = new Date(`${day}T00:00:00Z`);
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY));
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** Every period that has a day between these two, both included, in order. */
export function periodsBetween(from: string, to: string, by: UsagePeriod): string[] {
  const periods = new Set<string>();
  const last = Date.parse(`${to}T00:00:00Z`);
  for (let time = Date.parse(`${from}T00:00:00Z`); time <= last; time += DAY) {
    periods.add(periodOf(dayOf(new Date(time)), by));
  }
  return [...periods];
}
