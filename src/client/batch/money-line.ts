/** Calls that wait until money comes back that others have set aside: the first goes first, and one at a time. @internal */
export class MoneyLine {
  readonly #waiting: (() => void)[] = [];
  #whenEmpty: (() => void)[] = [];
  #times = 0;

  /** How often somebody has been let try: money came back since this was read when it has grown. */
  get times(): number {
    return this.#times;
  }

  /** Resolves when money may have come back, or `signal` has fired. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#drop(go);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(go);
    });
  }

  /** Resolves when nobody waits. */
  empty(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Lets the first of those that wait try. */
  letTry(): void {
    this.#times += 1;
    this.#waiting.shift()?.();
    this.#tellEmpty();
  }

  #drop(go: () => void): void {
    const index = this.#waiting.indexOf(go);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#tellEmpty();
  }

  #tellEmpty(): void {
    if (this.#waiting.length > 0) return;
    for (const resolve of this.#whenEmpty) resolve();
    this.#whenEmpty = [];
  }
}
