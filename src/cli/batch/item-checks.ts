import { preparedItem, type PromptSettings } from '../../client/batch/prepared-item.ts';
import type { EstimatedItem } from '../../client/batch/run-estimate.ts';
import { isFarthingError } from '../../core/errors.ts';
import { ENDPOINTS } from '../../core/model/protocol.ts';
import { formatTarget, type Target } from '../../core/model/target.ts';
import { resolveRoute, type RouteTable } from '../../core/route/route-table.ts';
import { decodeRequest } from '../../wire/decode-request.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import type { InputFaults } from './input-faults.ts';
import type { InputFault, InputItem } from './input-items.ts';
import { batchItem } from './run-items.ts';
import { SeenNames } from './seen-names.ts';

/** What items are checked against. @internal */
export interface ItemCheckOptions {
  readonly table: RouteTable;
  readonly prompts: PromptSettings;
  /** Whether a target has a price now. */
  readonly isPriced: (target: Target) => boolean;
  /** Whether a target without a price is a fault, since a limit of money holds. */
  readonly demandsPrice: boolean;
  /** The largest body that a batch of the target's provider takes; undefined: there is no batch. */
  readonly maxBatchBytes: ((target: Target) => number) | undefined;
}

/** An item that may be asked. @internal */
export interface SoundItem extends EstimatedItem {
  readonly line: number;
}

/** Whose calls the command line makes. @internal */
export const COMMAND_CALLER = { project: 'default', keyId: 'cli' } as const;

/** Models that are remembered: files name few. Ours. */
const MAX_MODELS = 1000;

type Checked = SoundItem | { readonly problem: string };

/** Checks items one by one, before any of them is sent. @internal */
export class ItemChecks {
  readonly #options: ItemCheckOptions;
  readonly #names = new SeenNames();
  /** By protocol and model: files name few, a million times. */
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
  async *sound(items: AsyncIterable<InputItem | InputFault>, faults: InputFaults): AsyncGenerator<SoundItem> {
    let index = 0;
    for await (const item of items) {
      if (item.kind === 'fault') {
        faults.note(item);
        continue;
      }
      const checked = this.#checked(item, index);
      index += 1;
      if (!('problem' in checked)) yield checked;
      else
        faults.note({ ...checked, line: item.line, ...(item.kind === 'request' ? { customId: item.customId } : {}) });
    }
    // Nothing comes behind the last one; what checked may live longer.
    this.#names.clear();
  }

  #checked(item: InputItem, index: number): Checked {
    const before = item.kind === 'request' ? this.#names.note(item.customId, item.line) : undefined;
    if (before !== undefined) return { problem: `custom_id is there already, in line ${before}` };
    const prepared = preparedItem(batchItem(item), index, this.#options.prompts);
    if (prepared.kind === 'fault') return { problem: prepared.error.message };
    let request: DecodedRequest;
    try {
      request = decodeRequest(prepared.endpoint, prepared.body);
    } catch (error) {
      if (isFarthingError(error)) return { problem: error.message };
      throw error;
    }
    const target = this.#targetOf(request);
    if ('problem' in target) return target;
    const problem = this.#priceProblem(target) ?? this.#sizeProblem(target, prepared.body.byteLength);
    return problem === undefined ? { line: item.line, prepared, request, target } : { problem };
  }

  #priceProblem(target: Target): string | undefined {
    const { table, isPriced, demandsPrice } = this.#options;
    if (isPriced(target)) return undefined;
    const name = formatTarget(target);
    const vendor = table.providers.get(target.provider)?.vendor;
    // A vendor's models are known; what a server of one's own has is its own affair.
    if (vendor !== undefined && table.vendorOfModel(target.model) === undefined) {
      return `the model ${name} is not known: if ${vendor} has it, give it a price under prices: in the configuration`;
    }
    if (demandsPrice) return `${name} has no price, so that --max-usd cannot hold`;
    if (this.#unpriced.size < MAX_MODELS) this.#unpriced.add(name);
    return undefined;
  }

  #sizeProblem(target: Target, bodyBytes: number): string | undefined {
    const most = this.#options.maxBatchBytes?.(target);
    if (most === undefined || bodyBytes <= most) return undefined;
    return `is larger than a batch of ${target.provider} may be (${most / 1e6} MB)`;
  }

  #targetOf({ endpoint, model }: DecodedRequest): Target | { readonly problem: string } {
    const { protocol } = ENDPOINTS[endpoint];
    const key = `${protocol} ${model}`;
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    if (this.#targets.size >= MAX_MODELS) this.#targets.clear();
    const target = resolved(() => resolveRoute(this.#options.table, model, protocol, COMMAND_CALLER).targets[0]);
    this.#targets.set(key, target);
    return target;
  }
}

function resolved(resolve: () => Target): Target | { readonly problem: string } {
  try {
    return resolve();
  } catch (error) {
    if (isFarthingError(error)) return { problem: error.message };
    throw error;
  }
}
