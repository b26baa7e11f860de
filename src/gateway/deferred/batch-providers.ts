import type { Config } from '../../config/config.ts';
import type { BatchProvider } from '../../jobs/batch/batch-provider.ts';
import type { Random } from '../../ports/clock.ts';
import type { Provider } from '../../ports/provider.ts';
import { batchApiOf } from '../../providers/batch/batch-api-of.ts';
import { activeProviders, providerOf } from '../build-engine.ts';

interface Opened {
  readonly provider: Provider;
  readonly taking: BatchProvider;
}

/**
 * Who takes batches, under the configuration of now. Apart from the providers of an engine: a batch is followed for hours, over many engines, and its files must not stand
 * in the way of calls that somebody waits for.
 * @internal
 */
export class BatchProviders {
  readonly #random: Random;
  readonly #onFault: (error: unknown) => void;
  readonly #opened = new Map<string, Opened>();
  readonly #closing = new Set<Promise<void>>();
  #config: Config;

  /** @param onFault - told of connections that could not be closed. */
  constructor(config: Config, random: Random, onFault: (error: unknown) => void) {
    this.#config = config;
    this.#random = random;
    this.#onFault = onFault;
  }

  /** Takes providers as another configuration has them. What is under way ends over the old ones. */
  reconfigure(config: Config): void {
    this.#config = config;
    this.#closeAll();
  }

  /** Undefined: there is none of that name, or it is inactive. */
  find(name: string): BatchProvider | undefined {
    const known = this.#opened.get(name);
    if (known !== undefined) return known.taking;
    const config = activeProviders(this.#config).find((active) => active.name === name);
    if (config === undefined) return undefined;
    const provider = providerOf(config, this.#random);
    const keyWeights = config.keys.length > 1 ? config.keys.map(({ weight }) => weight) : undefined;
    const taking: BatchProvider = { api: batchApiOf(provider), keyWeights };
    this.#opened.set(name, { provider, taking });
    return taking;
  }

  async close(): Promise<void> {
    this.#closeAll();
    await Promise.all(this.#closing);
  }

  #closeAll(): void {
    for (const { provider } of this.#opened.values()) {
      const closed = provider
        .close()
        .catch(this.#onFault)
        .finally(() => this.#closing.delete(closed));
      this.#closing.add(closed);
    }
    this.#opened.clear();
  }
}
