/** The first and the last time that RFC 3339 can say, in milliseconds: the years 0001 to 9999 (UTC). */
export const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
export const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** This time, or the nearest that RFC 3339 can say. */
export const timeWithin = (ms: number): Date => new Date(Math.min(Math.max(ms, FIRST_TIME), LAST_TIME));
