import type { ScoreModel } from './score-model.ts';

/** Two passes of 32 bits. It names a model and shows that a file was changed by accident; it is no proof against intent. */
const SEEDS = [0x811c9dc5, 0x1b873593] as const;
const PRIME = 0x01000193;

/** Names a score by all that it holds: 16 hexadecimal digits. @internal */
export function scoreId(model: Omit<ScoreModel, 'id'>): string {
  const { version, targets, categoryTag, pairs, apgr, certified, parameters } = model;
  const { scale, categories, buckets, cheap, strong, drift } = parameters;
  const text = JSON.stringify([
    [version, targets.cheap, targets.strong, categoryTag, pairs.trained, pairs.heldOut],
    apgr === null ? null : [apgr.value, apgr.low, apgr.high],
    certified === null
      ? null
      : [
          certified.threshold,
          certified.maxQualityLoss,
          certified.confidenceRatio,
          certified.pairs,
          certified.cheapRatio,
        ],
    [scale.means, scale.deviations, categories, buckets],
    ...[cheap, strong].map(({ bias, shape, weights }) => [bias, shape, weights.unit, weights.steps]),
    [drift.seen, drift.common, drift.centre.unit, drift.centre.steps, drift.precision, drift.middles, drift.spreads],
  ]);
  return SEEDS.map((seed) => hashed(text, seed).toString(16).padStart(8, '0')).join('');
}

function hashed(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
