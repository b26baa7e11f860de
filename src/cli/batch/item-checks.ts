import { isFarthingError } from '../../core/errors.ts';
import { type Endpoint, ENDPOINTS } from '../../core/model/protocol.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { resolveRoute, type RouteTable } from '../../core/route/route-table.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from '../../wire/json-limits.ts';
import type { InputFaults } from './input-faults.ts';
import type { InputFault, InputItem } from './input-items.ts';
import { SeenNames } from './seen-names.ts';

/** What items are checked against. @internal */
export interface ItemCheckOptions {
  readonly table: RouteTable;
  /** The model of prompts. */
  readonly model: string | undefined;
  /** Whether a target has a price now. */
  readonly isPriced: (target: Target) => boolean;
  /** Whether a target without a price is a fault, since a limit of money holds. */
  readonly demandsPrice: boolean;
  /** The largest body that the provider of a batch takes; undefined: there is no batch. */
  readonly maxBatchBytes: ((target: Target) => number | undefined) | undefined;
}

/** Whose calls the command line makes. @internal */
export const COMMAND_CALLER = { project: 'default', keyId: 'cli' } as const;

/** Texts of an embeddings request are no messages: OpenAI takes 2,048 of them, which is our bound as well. */
const LIMITS: RequestLimits = DEFAULT_REQUEST_LIMITS;

/** Checks items one by one, before any of them is sent. @internal */
export class ItemChecks {
  readonly #options: ItemCheckOptions;
  readonly #names = new SeenNames();
  /** By endpoint and model: files name few, a million times. */
  readonly #targets = new Map<string, Target | { readonly problem: string }>();
  readonly #unpriced = new Set<string>();

  constructor(options: ItemCheckOptions) {
    this.#options = options;
  }

  /** Targets without a price that were found. */
  unpriced(): readonly string[] {
    return [...this.#unpriced];
  }

  /** The sound ones among items, in their order; the others become faults. */
  async *sound(items: AsyncIterable<InputItem | InputFault>, faults: InputFaults): AsyncGenerator<InputItem> {
    for await (const item of items) {
      if (item.kind === 'fault') {
        faults.note(item);
        continue;
      }
      const problem = this.#problemOf(item);
      if (problem === undefined) yield item;
      else faults.note({ line: item.line, problem, ...(item.kind === 'request' ? { customId: item.customId } : {}) });
    }
  }

  #problemOf(item: InputItem): string | undefined {
    if (item.kind === 'prompt') return this.#targetProblem(undefined, this.#options.model ?? '', item.prompt.length);
    const before = this.#names.note(item.customId, item.line);
    if (before !== undefined) return `custom_id is there already, in line ${before}`;
    const body = Buffer.from(item.body);
    try {
      const { model } = decodeRequest(item.endpoint, body, LIMITS);
      return this.#targetProblem(item.endpoint, model, body.length);
    } catch (error) {
      if (isFarthingError(error)) return error.message;
      throw error;
    }
  }

  /** @param endpoint - undefined: the one that the model is asked at. */
  #targetProblem(endpoint: Endpoint | undefined, model: string, bodyBytes: number): string | undefined {
    const target = this.#targetOf(endpoint, model);
    if ('problem' in target) return target.problem;
    const name = formatTarget(target);
    if (!this.#options.isPriced(target)) {
      this.#unpriced.add(name);
      if (this.#options.demandsPrice) return `${name} has no price, so that --max-usd cannot hold`;
    }
    const most = this.#options.maxBatchBytes?.(target);
    if (most === undefined || bodyBytes <= most) return undefined;
    return `is larger than a batch of ${target.provider} may be (${most / 1e6} MB)`;
  }

  #targetOf(endpoint: Endpoint | undefined, model: string): Target | { readonly problem: string } {
    const key = `${endpoint ?? ''} ${model}`;
    const known = this.#targets.get(key) ?? this.#resolved(endpoint, model);
    this.#targets.set(key, known);
    return known;
  }

  #resolved(endpoint: Endpoint | undefined, model: string): Target | { readonly problem: string } {
    const protocols = endpoint === undefined ? (['openai', 'anthropic'] as const) : [ENDPOINTS[endpoint].protocol];
    let problem = '';
    for (const protocol of protocols) {
      try {
        return resolveRoute(this.#options.table, model, protocol, COMMAND_CALLER).targets[0];
      } catch (error) {
        if (!isFarthingError(error)) throw error;
        // The first says more: the second protocol is asked for models that the first does not speak.
        if (problem === '') problem = error.message;
      }
    }
    return { problem };
  }
}
