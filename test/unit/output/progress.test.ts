import { expect, test } from 'vitest';
import { createProgress } from '../../../src/cli/output/progress.js';

function drawing(width = 80, unit?: string) {
  let now = 0;
  let text = '';
  const stream = {
    write(part: string) {
      text += part;
      return true;
    },
    on: () => undefined,
    off: () => undefined,
    listeners: () => [],
  };
  const progress = createProgress({ stream, label: 'Deleting', unit, width, clock: () => now });
  return {
    progress,
    at(time: number, done: number, total = 1_000) {
      now = time;
      text = '';
      progress.update(done, total);
      return text;
    },
    end() {
      text = '';
      progress.end();
      return text;
    },
  };
}

test('work that takes less than half a second leaves no trace', () => {
  const { at, end } = drawing();
  expect([at(100, 10), at(499, 900), end()]).toEqual(['', '', '']);
});

test('a bar appears then, moves ten times a second at most, and is erased', () => {
  const { at, end } = drawing();
  expect(at(500, 500)).toBe(`\rDeleting  ${'█'.repeat(15)}${'░'.repeat(15)}   50%    500 of 1,000\u001b[K`);
  expect(at(550, 600)).toBe('');
  expect(at(600, 1_000)).toBe(`\rDeleting  ${'█'.repeat(30)}  100%  1,000 of 1,000\u001b[K`);
  expect(end()).toBe('\r\u001b[K');
  expect([at(900, 1), end()]).toEqual(['', '']);
});

test('more than all is all, and of nothing nothing is shown', () => {
  const { at } = drawing();
  expect(at(700, 2_000)).toContain(' 1,000 of 1,000');
  expect(at(900, 5, 0)).toBe('');
});

test.each([10, 20, 30, 40, 60, 200])('it is narrower than a terminal of %i columns', (width) => {
  const line = drawing(width).at(500, 999).replace('\r', '').replace('\u001b[K', '');
  expect(line.length).toBeLessThan(width);
  expect(line).toContain('999');
});

test('it says what it counts where the label does not', () => {
  expect(drawing(80, 'bytes').at(500, 999)).toContain('   99%    999 of 1,000 bytes');
});
