import { nanoUsd, type NanoUsd, type PicoUsd } from '../money.ts';
import type { CacheRatios } from './prefix-block.ts';

/** What would be dropped from a prompt, and what stands behind it. @public */
export interface DroppingQuestion extends CacheRatios {
  readonly droppedTokens: number;
  /** What takes the dropped text's place, a reference or a note. */
  readonly replacementTokens?: number;
  /**
   * How the dropped text would be paid if it stayed: read from the cache on every turn (`cached`), written now and read from then on
   * (`written`), or as plain input on every turn (`fresh`).
   */
  readonly droppedAre: 'cached' | 'written' | 'fresh';
  /** Tokens that are in the provider's cache now and come after the change: they would have to be written again. */
  readonly cachedTokensBehind: number;
  /** Turns that would still send the text, this one included; need not be whole. */
  readonly turnsToCome: number;
  /** Price of uncached input; undefined where it is not known. */
  readonly inputPrice: PicoUsd | undefined;
}

/** What dropping is worth. @public */
export interface DroppingWorth {
  readonly isWorthIt: boolean;
  /** In tokens of uncached input; negative: it would cost so much. */
  readonly tokens: number;
  /** Undefined where the price is not known. */
  readonly amount: NanoUsd | undefined;
}

/**
 * What it is worth to drop text ahead of a cached prefix: `D * r * T - (w - r) * P` for text that is cached itself. Text that breaks a
 * prefix and is not worth it stays.
 * @public
 */
export function droppingWorth(question: DroppingQuestion): DroppingWorth {
  const { droppedTokens, readRatio, writeRatio, cachedTokensBehind, inputPrice } = question;
  const turns = Math.max(0, question.turnsToCome);
  const onceWritten = turns === 0 ? 0 : writeRatio * Math.min(1, turns) + readRatio * Math.max(0, turns - 1);
  const ratioOf = { cached: readRatio * turns, written: onceWritten, fresh: turns } as const;
  // What takes its place is new text: it is paid as what stands there is.
  const replaced = (question.replacementTokens ?? 0) * (question.droppedAre === 'fresh' ? turns : onceWritten);
  const broken = Math.max(0, writeRatio - readRatio) * cachedTokensBehind;
  const tokens = droppedTokens * ratioOf[question.droppedAre] - replaced - broken;
  const amount = inputPrice === undefined ? undefined : Math.round((tokens * inputPrice) / 1000);
  return {
    isWorthIt: tokens > 0,
    tokens,
    amount: amount !== undefined && Number.isSafeInteger(amount) ? nanoUsd(amount) : undefined,
  };
}
