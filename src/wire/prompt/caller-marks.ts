import type { DecodedRequest } from '../decoded-request.ts';
import { isAbsent, isObject } from '../request-guards.ts';
import { listOf } from './prompt-source.ts';
import { CACHE_MARKS } from './unmarked-json.ts';

/** What the caller itself says about the provider's prompt cache. What is `null` is not said. @public */
export interface CallerMarks {
  /** Blocks, tools and parts with a breakpoint. */
  readonly breakpoints: number;
  /** A `cache_control` of the whole request, by which Anthropic marks the last block. */
  readonly automatic: boolean;
  /** `prompt_cache_key`. */
  readonly cacheKey: string | undefined;
  /** `prompt_cache_options`. */
  readonly options: boolean;
  /** `prompt_cache_retention`. */
  readonly retention: boolean;
}

/** Finds the caller's own cache marks in a request. @public */
export function callerMarks({ body }: Pick<DecodedRequest, 'body'>): CallerMarks {
  const key = body['prompt_cache_key'];
  let breakpoints = marksOf(body['tools']) + marksOf(body['system']);
  for (const list of [body['messages'], body['input']]) {
    breakpoints += marksOf(list);
    for (const message of listOf(list)) if (isObject(message)) breakpoints += marksWithin(message);
  }
  return {
    breakpoints,
    automatic: !isAbsent(body['cache_control']),
    cacheKey: typeof key === 'string' ? key : undefined,
    options: !isAbsent(body['prompt_cache_options']),
    retention: !isAbsent(body['prompt_cache_retention']),
  };
}

/** Marks in a message or item: on its parts, and on the parts of the results in it. */
function marksWithin(message: Readonly<Record<string, unknown>>): number {
  let count = 0;
  for (const list of [message['content'], message['output']]) {
    count += marksOf(list);
    for (const part of listOf(list)) if (isObject(part)) count += marksOf(part['content']);
  }
  return count;
}

function marksOf(list: unknown): number {
  return listOf(list).filter((value) => isObject(value) && CACHE_MARKS.some((name) => !isAbsent(value[name]))).length;
}
