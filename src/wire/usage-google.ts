import { usageOf } from '../core/model/usage.ts';
import { countOf, type Fields, fieldsOf, isCount, listOf, Remainder, wordOf } from './usage-count.ts';
import type { StatedUsage } from './usage-flavour.ts';

/** Sums the tokens of the given modalities in a list of `{ modality, tokenCount }`. */
function modalityTokens(details: unknown, ...modalities: readonly string[]): number {
  let sum = 0;
  for (const detail of listOf(details)) {
    const { modality, tokenCount } = fieldsOf(detail);
    if (typeof modality === 'string' && modalities.includes(modality)) sum += countOf(tokenCount);
  }
  return sum;
}

/**
 * Reads Gemini's `usageMetadata`: `promptTokenCount` includes cached tokens, `candidatesTokenCount` excludes thinking, and what tools put
 * into the prompt comes on top. Documents are billed as images.
 * @internal
 */
export function googleUsage(usage: Fields): StatedUsage | undefined {
  if (!isCount(usage['promptTokenCount']) && !isCount(usage['candidatesTokenCount'])) return undefined;
  const prompt = new Remainder(countOf(usage['promptTokenCount']));
  const cached = new Remainder(prompt.take(countOf(usage['cachedContentTokenCount'])));
  const fresh = new Remainder(prompt.rest() + countOf(usage['toolUsePromptTokenCount']));
  const inPrompt = (...modalities: readonly string[]): number =>
    modalityTokens(usage['promptTokensDetails'], ...modalities) +
    modalityTokens(usage['toolUsePromptTokensDetails'], ...modalities);
  const inCache = (...modalities: readonly string[]): number =>
    cached.take(modalityTokens(usage['cacheTokensDetails'], ...modalities));
  const cacheReadAudio = inCache('AUDIO');
  const cacheReadImage = inCache('IMAGE', 'DOCUMENT');
  const cacheReadVideo = inCache('VIDEO');
  const answer = new Remainder(countOf(usage['candidatesTokenCount']));
  const outputAudio = answer.take(modalityTokens(usage['candidatesTokensDetails'], 'AUDIO'));
  const outputImage = answer.take(modalityTokens(usage['candidatesTokensDetails'], 'IMAGE', 'DOCUMENT'));
  const reasoning = countOf(usage['thoughtsTokenCount']);
  const serviceTier = wordOf(usage['serviceTier']);
  return {
    usage: usageOf({
      cacheReadAudio,
      cacheReadImage,
      cacheReadVideo,
      cacheRead: cached.rest(),
      inputAudio: fresh.take(inPrompt('AUDIO') - cacheReadAudio),
      inputImage: fresh.take(inPrompt('IMAGE', 'DOCUMENT') - cacheReadImage),
      inputVideo: fresh.take(inPrompt('VIDEO') - cacheReadVideo),
      input: fresh.rest(),
      outputAudio,
      outputImage,
      output: answer.rest() + reasoning,
      reasoning,
    }),
    terms: serviceTier === undefined ? {} : { serviceTier },
  };
}
