import { describe, expect, it } from 'vitest';
import { type ColourMode, colourLevel } from '../../../src/cli/output/colour.js';

type Case = [mode: ColourMode, env: Record<string, string>, isTTY: boolean, level: number];

const CASES: Case[] = [
  ['auto', {}, true, 1],
  ['auto', {}, false, 0],
  ['auto', { TERM: 'xterm-256color' }, true, 2],
  ['auto', { TERM: 'xterm-256color', COLORTERM: 'truecolor' }, true, 3],
  ['auto', { TERM: 'dumb' }, true, 0],
  ['auto', { NO_COLOR: '1' }, true, 0],
  ['auto', { NO_COLOR: '' }, true, 1],
  ['auto', { NO_COLOR: '0' }, true, 0],
  ['auto', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, 0],
  ['auto', { FORCE_COLOR: '1' }, false, 1],
  ['auto', { FORCE_COLOR: '3' }, false, 3],
  ['auto', { FORCE_COLOR: '2', TERM: 'dumb' }, false, 2],
  ['auto', { FORCE_COLOR: 'yes', TERM: 'dumb' }, false, 1],
  ['auto', { FORCE_COLOR: '0' }, true, 0],
  ['auto', { FORCE_COLOR: 'false' }, true, 0],
  ['auto', { FORCE_COLOR: '' }, false, 0],
  ['always', { NO_COLOR: '1', TERM: 'dumb' }, false, 1],
  ['never', { FORCE_COLOR: '1' }, true, 0],
];

describe('colourLevel', () => {
  it.each(CASES)('--color %s with %j, terminal %s: %i', (mode, env, isTTY, level) => {
    expect(colourLevel({ mode, env, isTTY })).toBe(level);
  });
});
