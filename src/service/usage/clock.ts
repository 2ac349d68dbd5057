/**
 * The database's clock, as far as it is known here: its last reading, moved on by this process's own monotonic clock.
 * It runs behind by the time that reading took to arrive, so what is stamped with it is never in the future. Before
 * the first reading it is the host's clock, which may be wrong by days.
 */
export class DatabaseClock {
  #offset = Date.now() - performance.now();
  #isRight = false;

  get isRight(): boolean {
    return this.#isRight;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.floor(performance.now() + this.#offset);
  }

  /** Takes a reading; gives by how much the clock was wrong before. */
  set(reading: number): number {
    const offset = reading - performance.now();
    const error = offset - this.#offset;
    this.#offset = offset;
    this.#isRight = true;
    return error;
  }
}
