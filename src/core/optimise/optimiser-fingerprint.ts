import { COMPRESSOR_VERSION } from '../compress/transforms.ts';
import { EXTRACTOR_VERSION } from '../compress/extract/extract-sentences.ts';
import type { OptimizePolicy } from '../optimize-policy.ts';

/**
 * Names everything of a policy that may change what a model answers, with the versions of what does it: `''` where nothing does. It is part of
 * cache keys. What is added for the provider's prompt cache changes no answer and is not in it.
 * @public
 */
export function optimiserFingerprint(policy: OptimizePolicy): string {
  const { level, extract, historyMaxTokens, unusedTools, images } = policy;
  const parts: string[] = [];
  if (level !== 'off') parts.push(level, COMPRESSOR_VERSION);
  if (level === 'extractive') parts.push(`${EXTRACTOR_VERSION}:${extract.keepRatio}:${extract.minTokens}`);
  if (historyMaxTokens !== undefined) parts.push(`history:${historyMaxTokens}`);
  if (unusedTools.length > 0) parts.push(`tools:${JSON.stringify(unusedTools)}`);
  if (images !== 'verbatim') parts.push(`images:${images}`);
  return parts.length === 0 ? '' : `optimise ${parts.join(' ')}`;
}
