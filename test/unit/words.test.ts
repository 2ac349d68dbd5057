import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** Metaphors that code had, each with the word that the field has for it; those alone that mean nothing else here. */
const FIELDS_WORD: Readonly<Record<string, string>> = {
  Charter: 'PipelinedQuery',
  Lane: 'Pipeline',
  packetOf: 'encodeExtendedQuery',
  airborne: 'inFlight',
  takeOff: 'runBatch',
  Loan: 'Lease',
  lend: 'lease',
  Turns: 'Mutex',
  borrowPool: 'engineOnPool',
  settle: 'resolveInDoubt, or what it does',
  Moment: 'TimeExpression or DatabaseMoment',
  takeAim: 'resolveTarget',
  foresee: 'preview',
  Sweep: 'CleanupTask',
  sweep: 'removeLeftovers, or what it does',
  STRIDE: 'PAGE_SIZE or BATCH_SIZE',
  GATHERED: 'BUFFER_SIZE',
  Tally: 'DeletedCounts',
  CleanupWork: 'CleanupRun',
  graveyard: 'expiredKeys',
  checkTerms: 'parse…Options',
  deed: 'change',
  Ahead: 'PeekableIterator',
  waysToChangeThePast: 'waysToRewriteAudit',
  placeOf: 'locationOf or positionOf',
  EventPlace: 'EventPosition',
  Ui: 'Formatter',
};

/** Comments are prose, where such a word may begin a sentence. */
const code = (file: string): string =>
  readFileSync(join(SRC, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

test.each(Object.entries(FIELDS_WORD))('nothing is called %s: the word is %s', (word) => {
  const pattern = new RegExp(`\\b${word}\\b`);
  expect(files.filter((file) => pattern.test(code(file)))).toEqual([]);
});
