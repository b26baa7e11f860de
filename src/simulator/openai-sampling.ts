import { asNumber, asObject, type JsonObject } from './json-value.ts';
import type { LanguageRequest } from './language-model.ts';
import type { SimulatedModel } from './simulated-model.ts';
import { badRequest } from './simulated-reply.ts';

const EFFORT_RATIO: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0.1,
  low: 0.5,
  medium: 1.5,
  high: 3,
  xhigh: 6,
};

/**
 * The knobs that chat completions and Responses share.
 * @throws ProviderRefusal when the model takes no temperature (GPT-5.5 and later answer 400 to any but 1) or one is out of range.
 * @internal
 */
export function openaiSampling(
  model: SimulatedModel,
  body: JsonObject,
  effort: string | undefined,
): Pick<LanguageRequest, 'isDeterministic' | 'reasoningRatio' | 'cachesExplicitlyOnly'> {
  const temperature = asNumber(body['temperature']);
  if (temperature !== undefined && (temperature < 0 || temperature > 2)) {
    throw badRequest(`Invalid 'temperature': ${temperature}. Expected 0 to 2.`, 'temperature', 'decimal_out_of_range');
  }
  if (temperature !== undefined && temperature !== 1 && !model.allowsSampling) {
    throw badRequest(
      `Unsupported value: 'temperature' does not support ${temperature} with this model. Only the default (1) value is supported.`,
      'temperature',
      'unsupported_value',
    );
  }
  if (effort !== undefined && EFFORT_RATIO[effort] === undefined) {
    throw badRequest(`Invalid value: '${effort}'.`, 'reasoning_effort', 'invalid_value');
  }
  return {
    isDeterministic: temperature === 0 || body['seed'] !== undefined,
    reasoningRatio: effort === undefined ? model.reasoningRatio : (EFFORT_RATIO[effort] ?? 0),
    cachesExplicitlyOnly: asObject(body['prompt_cache_options'])?.['mode'] === 'explicit',
  };
}
