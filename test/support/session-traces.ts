import { readFileSync } from 'node:fs';
import { seededChance } from './cache-traces.ts';
import { sharedData } from './shared-data.ts';
import type { ReplayedTurn } from './session-replay.ts';

/** Turns without what a router wishes. */
export type TracedTurn = Omit<ReplayedTurn, 'wishesCheap'>;

const BLOCK_TOKENS = 512;

/** Two blocks that are the same: one alone may be a system prompt that many conversations have. */
const LEAST_SHARED_BLOCKS = 2;

interface TracedCall {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}

/** Conversations that begin with a system prompt and grow, with pauses of seconds to minutes. */
export function syntheticTurns(conversations: number, seed: number): readonly TracedTurn[] {
  const chance = seededChance(seed);
  const between = (least: number, most: number): number => Math.round(least * (most / least) ** chance());
  const turns: TracedTurn[] = [];
  for (let conversation = 0; conversation < conversations; conversation += 1) {
    let atMs = Math.round(chance() * 3_600_000);
    let sharedTokens = 0;
    let promptTokens = between(500, 30_000);
    do {
      const outputTokens = between(50, 1500);
      turns.push({ conversation, atMs, promptTokens, sharedTokens, outputTokens });
      sharedTokens = promptTokens;
      promptTokens += outputTokens + between(20, 3000);
      atMs += between(5000, 900_000);
    } while (chance() < 0.85);
  }
  return turns.toSorted((left, right) => left.atMs - right.atMs);
}

/** The Mooncake conversation trace, its calls joined to conversations by the hashes of their beginnings; undefined where it is not there. */
export function mooncakeTurns(): readonly TracedTurn[] | undefined {
  const path = sharedData('caching', 'mooncake_conversation_trace.jsonl');
  if (path === undefined) return undefined;
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const byBlock = new Map<number, number>();
  let conversations = 0;
  const latest = new Map<number, TracedCall>();
  return lines.map((line): TracedTurn => {
    const call = JSON.parse(line) as TracedCall;
    const { timestamp, input_length, output_length, hash_ids } = call;
    const known = hash_ids.findLast((hash, index) => index + 1 >= LEAST_SHARED_BLOCKS && byBlock.has(hash));
    const conversation = (known === undefined ? undefined : byBlock.get(known)) ?? conversations++;
    const sharedTokens = sharedBlocks(latest.get(conversation)?.hash_ids ?? [], hash_ids) * BLOCK_TOKENS;
    latest.set(conversation, call);
    // The last block is not full, so that its hash does not come again.
    const last = hash_ids[Math.floor(input_length / BLOCK_TOKENS) - 1];
    if (last !== undefined && input_length >= LEAST_SHARED_BLOCKS * BLOCK_TOKENS) byBlock.set(last, conversation);
    const promptTokens = input_length;
    return {
      conversation,
      atMs: timestamp,
      promptTokens,
      sharedTokens: Math.min(sharedTokens, promptTokens),
      outputTokens: output_length,
    };
  });
}

function sharedBlocks(before: readonly number[], now: readonly number[]): number {
  const differs = before.findIndex((hash, index) => hash !== now[index]);
  return differs === -1 ? before.length : differs;
}
