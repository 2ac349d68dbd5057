import type { EXIT } from '../exit-codes.js';

type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const MEANINGS: Readonly<Record<ExitCode, readonly string[]>> = {
  0: ['done; also an empty list, nothing to do, a dry run'],
  1: ['unexpected failure'],
  2: ['wrong usage or invalid input; a confirmation or the database is missing'],
  3: ['not found'],
  4: [
    'conflict: the limit is reached, the key is in a state that forbids this,',
    'ambiguous, feature disabled, against the policy',
  ],
  5: ['the answer is no'],
  6: ['the database is unreachable, timed out or busy, and nothing was changed:', 'trying again may help'],
  7: ['the schema is missing, behind or ahead of this version'],
  8: ['the outcome is unknown: look before you try again'],
  9: ['the database refused the login or the privilege'],
  130: ['interrupted (Ctrl-C, SIGINT); nothing half-done'],
  143: ['ended (SIGTERM); nothing half-done'],
};

/** `apikeys help exit-codes`. */
export function exitCodesHelp(): string {
  const rows = Object.entries(MEANINGS).map(
    ([code, lines]) => `  ${code.padEnd(3)}  ${lines.join(`\n${' '.repeat(7)}`)}`,
  );
  return `What a script can tell from the exit code; the numbers never change.

${rows.join('\n')}

With --json, stderr has a code for every kind of failure: apikeys schema error
`;
}
