import type { BatchPrompt } from '../../client/batch/batch-item.ts';
import { isObject } from '../../wire/request-guards.ts';
import { jsonLine, type LineProblem } from './json-line.ts';

/** What a prompt says of itself. Its name is its line. @internal */
export type OwnSettings = Omit<BatchPrompt, 'id' | 'prompt'>;

/** A prompt out of a line of JSON. @internal */
export interface PromptLine {
  readonly prompt: string;
  readonly own: OwnSettings;
}

/** Members of a prompt that is an object, and the types of their values. */
const TYPES: Readonly<Record<keyof OwnSettings | 'prompt', 'string' | 'number'>> = {
  prompt: 'string',
  system: 'string',
  model: 'string',
  maxOutputTokens: 'number',
  temperature: 'number',
};

/** Reads a prompt that stands as JSON: a text, or `{"prompt"}` with the settings that a prompt may have. What else it holds is a fault, and not left out in silence. @internal */
export function promptLine(text: string): PromptLine | LineProblem {
  const line = jsonLine(text);
  if ('problem' in line) return line;
  const { value } = line;
  if (typeof value === 'string') return { prompt: value, own: {} };
  if (!isObject(value)) return { problem: 'is neither a text nor an object with a prompt' };
  const { prompt, ...own } = value;
  if (typeof prompt !== 'string') return { problem: 'has no prompt' };
  for (const [name, setting] of Object.entries(own)) {
    const type = Object.hasOwn(TYPES, name) ? TYPES[name as keyof typeof TYPES] : undefined;
    if (type === undefined) return { problem: `${name} is none of ${Object.keys(TYPES).join(', ')}` };
    if (typeof setting !== type) return { problem: `${name} is not a ${type === 'string' ? 'text' : 'number'}` };
  }
  return { prompt, own };
}
