/** One at a time, in the order of asking. */
export class Mutex {
  readonly #waiting: ((given: boolean) => void)[] = [];
  #taken = false;

  /** Resolves to true when it is the caller's turn, which must then be released; to false after `limit` milliseconds. */
  acquire(limit: number): Promise<boolean> {
    if (!this.#taken) {
      this.#taken = true;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const answer = (given: boolean): void => {
        clearTimeout(timer);
        resolve(given);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(answer), 1);
        answer(false);
      }, limit);
      this.#waiting.push(answer);
    });
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next(true);
  }
}
