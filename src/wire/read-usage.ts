import { anthropicUsage } from './usage-anthropic.ts';
import { type Fields, fieldsOf } from './usage-count.ts';
import type { StatedUsage, UsageFlavour } from './usage-flavour.ts';
import { googleUsage } from './usage-google.ts';
import { chatUsage, embeddingsUsage, responsesUsage } from './usage-openai.ts';

/** Groq streams put the usage into `x_groq` of the last chunk. */
function chatFields(rawUsage: unknown, reply: Fields): Fields {
  return fieldsOf(rawUsage ?? fieldsOf(reply['x_groq'])['usage']);
}

/**
 * Reads what a provider states as usage into disjoint buckets. Tolerant: `null`, missing and ill-typed fields count as not stated;
 * nothing is ever negative; where details exceed their total they are cut, so that the buckets always sum to the stated totals.
 *
 * @param rawUsage - The usage object: `usage`, for Google `usageMetadata`.
 * @param reply - The reply's body or event around it, for the fields that stand outside (`service_tier`, `x_groq`).
 * @returns undefined when no usage is stated.
 * @public
 */
export function readUsage(
  flavour: UsageFlavour,
  rawUsage: unknown,
  reply: Readonly<Record<string, unknown>>,
): StatedUsage | undefined {
  switch (flavour) {
    case 'openai-chat':
      return chatUsage(chatFields(rawUsage, reply), reply, { statesWrites: true, statesModalities: true });
    case 'groq':
      return chatUsage(chatFields(rawUsage, reply), reply, { statesWrites: false, statesModalities: true });
    case 'mistral':
    case 'deepseek':
      return chatUsage(chatFields(rawUsage, reply), reply, { statesWrites: false, statesModalities: false });
    case 'openai-responses':
      return responsesUsage(fieldsOf(rawUsage), reply);
    case 'openai-embeddings':
      return embeddingsUsage(fieldsOf(rawUsage), reply);
    case 'anthropic':
      return anthropicUsage(fieldsOf(rawUsage));
    case 'google':
      break;
  }
  return googleUsage(fieldsOf(rawUsage));
}
