/** One at a time, in the order of asking. */
export class Mutex {
  readonly #waiting: ((given: boolean) => void)[] = [];
  #taken = false;

  /** Resolves to true when it is the caller's turn, which must then be ended; to false after `limit` milliseconds. */
  take(limit: number): Promise<boolean> {
    if (!this.#taken) {
      this.#taken = true;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const settle = (given: boolean): void => {
        clearTimeout(timer);
        resolve(given);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(settle), 1);
        settle(false);
      }, limit);
      this.#waiting.push(settle);
    });
  }

  end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next(true);
  }
}
