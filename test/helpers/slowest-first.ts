import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, or wait most: begun first, so that none of them runs alone at the end. */
const SLOWEST = [
  // It measures how long programs take to give up, so beside it runs what starts none.
  'reliability/hang',
  'integration/db/lost-connection',
  'integration/usage/away',
  'reliability/embedded-kill',
  'reliability/limit',
  'reliability/canary',
  'integration/embedded/machines',
  'integration/db/migrate',
  'integration/harness/cluster',
  'integration/embedded/kill',
  'cli/contract',
  'cli/audit',
  'cli/session',
  'integration/embedded/engine',
  'reliability/usage-count',
  'reliability/files',
  'reliability/reveal',
];

const rank = ({ moduleId }: TestSpecification): number => {
  const at = SLOWEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return at === -1 ? SLOWEST.length : at;
};

/** Vitest's own order knows how long a file took only where it has run before. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    // What is in SLOWEST is all of one project, which the usual order keeps together.
    return usual.toSorted((one, other) =>
      one.project.name === other.project.name ? rank(one) - rank(other) : 0,
    );
  }
}
