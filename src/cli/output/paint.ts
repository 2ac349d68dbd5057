import { Chalk, type ChalkInstance } from 'chalk';
import type { ColourLevel } from './colour.js';

/** A chalk of a fixed level: left to itself, chalk looks at the process and does not know NO_COLOR. */
export function createPaint(level: ColourLevel): ChalkInstance {
  return new Chalk({ level });
}
