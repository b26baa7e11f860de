import type { PromptSettings } from '../../client/batch/prepared-item.ts';
import { type RunEstimate, RunEstimator } from '../../client/batch/run-estimate.ts';
import { FarthingError } from '../../core/errors.ts';
import { type Target } from '../../core/model/target.ts';
import { usageOf } from '../../core/model/usage.ts';
import { bookPricer } from '../../engine/book-pricer.ts';
import { ANTHROPIC_BATCH_LIMITS } from '../../providers/batch/anthropic-batch-api.ts';
import { OPENAI_BATCH_LIMITS } from '../../providers/batch/openai-batch-api.ts';
import { briefTokenizer } from '../../tokenizers/brief-tokenizer.ts';
import { protocolOf } from './command-face.ts';
import { InputFaults } from './input-faults.ts';
import { type BatchInput, inputItems } from './input-items.ts';
import { ItemChecks } from './item-checks.ts';
import type { CommandPrices } from './open-engine.ts';
import type { RunOptions } from './run-options.ts';

/** What an input was found to hold. @internal */
export interface Survey {
  readonly estimate: RunEstimate;
  /** Lines that are left out; none unless `--skip-invalid` was said. */
  readonly faults: InputFaults;
  readonly unpricedTargets: readonly string[];
}

/** Output limit of prompts where the command line names none, in tokens: that of the library's `BatchProcessor`. */
const DEFAULT_MAX_OUTPUT_TOKENS = 1024;

/** What one batch may hold, by protocol. */
const BATCH_LIMITS = { openai: OPENAI_BATCH_LIMITS, anthropic: ANTHROPIC_BATCH_LIMITS } as const;

/** What one item of a batch may weigh: a line is more than its body. */
function maxItemBytes(protocol: keyof typeof BATCH_LIMITS): number {
  const { maxBytes, lineBytes } = BATCH_LIMITS[protocol];
  return maxBytes - lineBytes;
}

/**
 * Reads an input through: checks every line, and adds up what asking it costs.
 * @throws FarthingError `configuration` that names the faults by line, and where nothing is left to ask.
 * @internal
 */
export async function surveyInput(
  input: BatchInput,
  options: RunOptions,
  { table, book }: CommandPrices,
): Promise<Survey> {
  const nowMs = Date.now();
  const pricer = bookPricer(book, new Map(Array.from(table.providers.values(), ({ name, vendor }) => [name, vendor])));
  const isPriced = (target: Target): boolean => pricer.price(target, usageOf({ input: 1 }), {}, nowMs) !== undefined;
  const protocolAt = (target: Target): 'openai' | 'anthropic' =>
    table.providers.get(target.provider)?.protocol ?? 'openai';
  const prompts: PromptSettings = {
    model: options.model,
    system: options.system,
    maxOutputTokens: options.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
    temperature: undefined,
    protocolOf: (model) => protocolOf(table, model),
  };
  const checks = new ItemChecks({
    table,
    prompts,
    isPriced: remembered(isPriced),
    demandsPrice: options.maxUsd !== undefined,
    maxBatchBytes: options.via === 'batch' ? (target) => maxItemBytes(protocolAt(target)) : undefined,
  });
  const faults = new InputFaults();
  const estimator = new RunEstimator(pricer, nowMs, briefTokenizer);
  for await (const item of checks.sound(inputItems(input), faults)) await estimator.add(item);
  if (faults.count > 0 && options.skipInvalid !== true) {
    const advice = 'nothing was sent; --skip-invalid leaves these lines out';
    throw new FarthingError('configuration', `${faults.text()}\n${input.path}: ${advice}`);
  }
  const estimate = estimator.estimate();
  if (estimate.items === 0) throw new FarthingError('configuration', `${input.path}: has nothing to ask`);
  return { estimate, faults, unpricedTargets: checks.unpriced() };
}

/** Whether a target has a price is asked a million times of few targets. */
function remembered(isPriced: (target: Target) => boolean): (target: Target) => boolean {
  let [last, answer]: [Target | undefined, boolean] = [undefined, false];
  return (target) => {
    // The checks hand out one object for each model that they remember.
    if (target !== last) [last, answer] = [target, isPriced(target)];
    return answer;
  };
}
