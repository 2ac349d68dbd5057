import { counted } from '../../domain/counted.js';
import type { Formatter } from './result.js';

interface Total {
  readonly requestCount: number;
  readonly spendCents: number;
}

export const requestWords = (count: number, ui: Pick<Formatter, 'number'>): string =>
  counted(count, 'request', ui.number(count));

export const centWords = (count: number, ui: Pick<Formatter, 'number'>): string =>
  counted(count, 'cent', ui.number(count));

/** `1,204 requests, 1 cent`. */
export const totalWords = (total: Total, ui: Pick<Formatter, 'number'>): string =>
  `${requestWords(total.requestCount, ui)}, ${centWords(total.spendCents, ui)}`;
