import { type RunSql, texts } from '../helpers/run-sql.js';

/** What writers said, to be held against what is stored. */
export class Acknowledged {
  readonly #made = new Set<string>();
  readonly #revoked = new Set<string>();
  readonly #notMade = new Set<string>();
  #unknown = 0;

  /** Reads the lines of one `make-keys`. */
  read(lines: readonly string[]): void {
    for (const line of lines) {
      const [word, what, name = '', code] = line.split(' ');
      if (word === 'made') this.#made.add(what ?? '');
      else if (word === 'revoked') this.#revoked.add(what ?? '');
      else if (word === 'failed' && code === 'OUTCOME_UNKNOWN') this.#unknown++;
      else if (word === 'failed' && what === 'made') this.#notMade.add(name);
    }
  }

  get made(): number {
    return this.#made.size;
  }
  get notMade(): number {
    return this.#notMade.size;
  }
  get unknown(): number {
    return this.#unknown;
  }

  /** Every contradiction between what was said and what is stored, in words. */
  async contradictions(run: RunSql): Promise<string[]> {
    const stored = new Set(await texts(run, 'SELECT name FROM apikeys.keys'));
    const ended = new Set(await texts(run, 'SELECT name FROM apikeys.keys WHERE revoked_at IS NOT NULL'));
    return [
      ...[...this.#made].filter((name) => !stored.has(name)).map((name) => `lost key ${name}`),
      ...[...this.#revoked].filter((name) => !ended.has(name)).map((name) => `lost revocation of ${name}`),
      ...[...this.#notMade]
        .filter((name) => stored.has(name))
        .map((name) => `reported as failed, and stored: ${name}`),
    ];
  }
}
