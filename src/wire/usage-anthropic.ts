import { usageOf } from '../core/model/usage.ts';
import { countOf, type Fields, fieldsOf, isCount, Remainder, wordOf } from './usage-count.ts';
import type { StatedUsage } from './usage-flavour.ts';

/**
 * Reads Anthropic's usage: `input_tokens` excludes what was read from and written to the cache; a write without a stated life is
 * one of five minutes, the default.
 * @internal
 */
export function anthropicUsage(usage: Fields): StatedUsage | undefined {
  if (!isCount(usage['input_tokens']) && !isCount(usage['output_tokens'])) return undefined;
  const lives = fieldsOf(usage['cache_creation']);
  const written1h = countOf(lives['ephemeral_1h_input_tokens']);
  const written5m = countOf(lives['ephemeral_5m_input_tokens']);
  const total = usage['cache_creation_input_tokens'];
  const written = new Remainder(isCount(total) ? countOf(total) : written1h + written5m);
  const output = countOf(usage['output_tokens']);
  const serviceTier = wordOf(usage['service_tier']);
  const speed = wordOf(usage['speed']);
  const geo = wordOf(usage['inference_geo']);
  return {
    usage: usageOf({
      input: countOf(usage['input_tokens']),
      cacheRead: countOf(usage['cache_read_input_tokens']),
      cacheWrite1h: written.take(written1h),
      cacheWrite5m: written.rest(),
      output,
      reasoning: Math.min(countOf(fieldsOf(usage['output_tokens_details'])['thinking_tokens']), output),
      webSearch: countOf(fieldsOf(usage['server_tool_use'])['web_search_requests']),
    }),
    terms: {
      ...(serviceTier === undefined ? {} : { serviceTier }),
      ...(speed === undefined ? {} : { speed }),
      ...(geo === undefined ? {} : { geo }),
    },
  };
}
