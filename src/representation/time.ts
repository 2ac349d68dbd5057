/** RFC 3339, UTC, whole milliseconds: `2026-01-02T03:04:05.678Z`. */
export function isoTime(date: Date): string {
  return date.toISOString();
}

export const isoTimeOrNull = (time: Date | null): string | null => (time === null ? null : isoTime(time));
