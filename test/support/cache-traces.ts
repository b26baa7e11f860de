import type { PrefixBlock } from '../../src/core/prefix/prefix-block.ts';

/** One call of a trace of prompts. @internal */
export interface TracedCall {
  readonly atMs: number;
  readonly chain: readonly PrefixBlock[];
}

/** A named way for prompts to arrive. @internal */
export interface TraceShape {
  readonly name: string;
  readonly calls: readonly TracedCall[];
}

const TTL_MS = 300_000;

/** Numbers in [0, 1) that are the same in every run (mulberry32). @internal */
export function seededChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A prompt of its own: `blocks` blocks behind a path of names. @internal */
export function promptOf(
  name: string,
  blocks: number,
  tokens: number,
  head: readonly PrefixBlock[] = [],
): readonly PrefixBlock[] {
  return [...head, ...Array.from({ length: blocks }, (_block, index) => ({ key: `${name}/${index}`, tokens }))];
}

/** Every shape of traffic that the promise is tested on. @internal */
export function traceShapes(calls: number, seed: number): readonly TraceShape[] {
  const chance = seededChance(seed);
  const each = (make: (index: number) => TracedCall): readonly TracedCall[] =>
    Array.from({ length: calls }, (_call, index) => make(index));
  const oneOff = (index: number, gapMs: number, blocks = 8): TracedCall => ({
    atMs: index * gapMs,
    chain: promptOf(`once-${index}`, blocks, 500),
  });
  const cycle = (index: number, prompts: number, periodMs: number): TracedCall => ({
    atMs: Math.floor((index * periodMs) / prompts),
    chain: promptOf(`cycle-${index % prompts}`, 8, 500),
  });
  const turn = (index: number, conversations: number, gapMs: number, turns: number): TracedCall => {
    const conversation = index % conversations;
    const step = Math.floor(index / conversations);
    const name = `talk-${conversation}-${Math.floor(step / turns)}`;
    return { atMs: index * gapMs, chain: promptOf(name, 2 + 2 * (step % turns), 400) };
  };
  const head = promptOf('head', 6, 500);
  const half = Math.floor(calls / 2);
  return [
    { name: 'one-off, a second apart', calls: each((index) => oneOff(index, 1000)) },
    { name: 'one-off, in a burst', calls: each((index) => oneOff(index, 1)) },
    { name: 'all the same', calls: each((index) => ({ atMs: index * 1000, chain: promptOf('same', 8, 500) })) },
    {
      name: 'all the same, just outside the life',
      calls: each((index) => ({ atMs: index * (TTL_MS + 1000), chain: promptOf('same', 8, 500) })),
    },
    { name: 'one at a time, just inside the life', calls: each((index) => cycle(index, 1, TTL_MS - 1000)) },
    { name: 'ten in turn, just inside the life', calls: each((index) => cycle(index, 10, TTL_MS - 1000)) },
    { name: 'ten in turn, just outside the life', calls: each((index) => cycle(index, 10, TTL_MS + 1000)) },
    {
      name: 'pairs, close',
      calls: each((index) => ({ atMs: index * 2000, chain: promptOf(`pair-${index >> 1}`, 8, 500) })),
    },
    {
      name: 'pairs, a minute apart',
      calls: each((index) => ({
        atMs: index * 6000,
        chain: promptOf(`pair-${Math.floor(index / 20) * 10 + (index % 10)}`, 8, 500),
      })),
    },
    {
      name: 'threes',
      calls: each((index) => ({ atMs: index * 5000, chain: promptOf(`three-${Math.floor(index / 3)}`, 8, 500) })),
    },
    { name: 'growing conversations', calls: each((index) => turn(index, 10, 3000, 12)) },
    { name: 'growing conversations, slow', calls: each((index) => turn(index, 10, 31_000, 12)) },
    {
      name: 'a shared head with one-off tails',
      calls: each((index) => ({ atMs: index * 2000, chain: promptOf(`tail-${index}`, 6, 500, head) })),
    },
    {
      name: 'first one-off, then the same',
      calls: each((index) =>
        index < half ? oneOff(index, 1000) : { atMs: index * 1000, chain: promptOf('same', 8, 500) },
      ),
    },
    {
      name: 'first the same, then one-off',
      calls: each((index) =>
        index >= half ? oneOff(index, 1000) : { atMs: index * 1000, chain: promptOf('same', 8, 500) },
      ),
    },
    {
      name: 'pairs and one-off in turns of a hundred',
      calls: each((index) =>
        Math.floor(index / 100) % 2 === 0
          ? oneOff(index, 2000)
          : { atMs: index * 2000, chain: promptOf(`pair-${index >> 1}`, 8, 500) },
      ),
    },
    {
      name: 'a random mix',
      calls: each((index) => ({
        atMs: index * 3000,
        chain: promptOf(
          chance() < 0.4 ? `old-${Math.floor(chance() * 40)}` : `new-${index}`,
          1 + Math.floor(chance() * 20),
          50,
        ),
      })),
    },
    {
      name: 'sizes from tiny to huge',
      calls: each((index) => ({
        atMs: index * 3000,
        chain: promptOf(chance() < 0.5 ? `size-${index % 7}` : `new-${index}`, 4, 2 ** (index % 14)),
      })),
    },
    {
      name: 'one block a prompt, half of them old',
      calls: each((index) => ({
        atMs: index * 2000,
        chain: promptOf(chance() < 0.5 ? `one-${Math.floor(chance() * 30)}` : `new-${index}`, 1, 3000),
      })),
    },
  ];
}
