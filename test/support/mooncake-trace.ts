import { readFileSync } from 'node:fs';
import { sharedData } from './shared-data.ts';
import type { TracedCall } from './cache-traces.ts';

const BLOCK_TOKENS = 512;

/** The Mooncake conversation trace: an hour of real prompts as hashes of blocks; undefined where it is not there. @internal */
export function mooncakeCalls(): readonly TracedCall[] | undefined {
  const path = sharedData('caching', 'mooncake_conversation_trace.jsonl');
  if (path === undefined) return undefined;
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { timestamp, input_length, hash_ids } = JSON.parse(line) as {
        readonly timestamp: number;
        readonly input_length: number;
        readonly hash_ids: readonly number[];
      };
      const chain = hash_ids.map((hash, index) => ({
        key: String(hash),
        tokens: Math.min(BLOCK_TOKENS, input_length - BLOCK_TOKENS * index),
      }));
      return { atMs: timestamp, chain };
    });
}
