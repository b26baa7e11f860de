/** Thrown by everything that a dead process would have done. */
class Crash extends Error {}

/** When a process dies: before or after so many operations of its ports have taken effect. */
export class Fuse {
  #left: number;
  readonly #isAfter: boolean;
  #isBurnt = false;

  /** @param isAfter - whether the last operation takes effect, and its answer is lost. */
  constructor(operations: number, isAfter: boolean) {
    this.#left = operations;
    this.#isAfter = isAfter;
  }

  static never(): Fuse {
    return new Fuse(Number.POSITIVE_INFINITY, false);
  }

  get isBurnt(): boolean {
    return this.#isBurnt;
  }

  async run<Answer>(operation: () => Promise<Answer>): Promise<Answer> {
    this.#check();
    this.#left -= 1;
    if (this.#left >= 0) {
      const answer = await operation();
      // Another operation of the process may have been its last meanwhile.
      this.#check();
      return answer;
    }
    this.#isBurnt = true;
    if (this.#isAfter) await operation().catch(() => undefined);
    throw new Crash('the process died');
  }

  async *runEach<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
    for await (const item of items) yield await this.run(() => Promise.resolve(item));
  }

  #check(): void {
    if (this.#isBurnt) throw new Crash('the process is dead');
  }
}

/** A port that a process uses until it dies. @param names - the methods that a death may fall into. @defaultValue all */
export function crashing<Port extends object>(port: Port, fuse: Fuse, names?: readonly string[]): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || (names !== undefined && !names.includes(String(name)))) return value;
      return (...parameters: readonly unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(value, target, parameters);
        if (name === 'rows') return fuse.runEach(call() as AsyncIterable<unknown>);
        return fuse.run(call as () => Promise<unknown>);
      };
    },
  });
}
