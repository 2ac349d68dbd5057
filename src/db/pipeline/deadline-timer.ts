/**
 * Tells when an answer is overdue. A timer for each round trip would cost more than the rest of sending it, so one goes
 * on from one to the next, and looks what has become of them when its time comes.
 */
export class DeadlineTimer {
  #deadline = Number.POSITIVE_INFINITY;
  #onOverdue = ignore;
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /** Calls `onOverdue` unless `stop` is called within `limit` milliseconds. */
  start(limit: number, onOverdue: () => void): void {
    this.#deadline = performance.now() + limit;
    this.#onOverdue = onOverdue;
    if (this.#deadline < this.#firesAt) this.#fireAt(this.#deadline);
  }

  stop(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#onOverdue = ignore;
  }

  #fireAt(time: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = time;
    // The socket keeps the process alive while an answer is awaited, and nothing should after it.
    this.#timer = setTimeout(() => this.#fire(), Math.ceil(time - performance.now())).unref();
  }

  #fire(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (this.#deadline <= performance.now()) this.#onOverdue();
    else if (this.#deadline < Number.POSITIVE_INFINITY) this.#fireAt(this.#deadline);
  }
}

const ignore = (): void => undefined;
