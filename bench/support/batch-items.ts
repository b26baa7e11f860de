// The items of the bench of bulk runs: what they ask, what they are answered with, and how the provider's record of them reads.
import { readFileSync, statSync } from 'node:fs';

/** How an input of `farthing batch run` is written: a prompt a line, or OpenAI's batch lines. */
export type InputShape = 'lines' | 'requests';

const ITEM = /This is item (\d+):/;
const ANSWERED = /"Item (\d+) is of the colour/;
const RECORD_DIGITS = 9;
/** Of one request in the provider's record, with its line feed. */
const RECORD_BYTES = RECORD_DIGITS + 1;
/** Stands for a request that names no item. */
const UNKNOWN = -1;

/** One item as a line of an input. */
export function inputLine(item: number, shape: InputShape, model: string): string {
  const prompt = `This is item ${item}: say which colour ${item} has, and why you think so.`;
  if (shape === 'lines') return `${prompt}\n`;
  const body = { model, messages: [{ role: 'user', content: prompt }], max_completion_tokens: 64 };
  const line = { custom_id: `item-${item}`, method: 'POST', url: '/v1/chat/completions', body };
  return `${JSON.stringify(line)}\n`;
}

/** The item that a request asks for. */
export function itemIn(body: string): number | undefined {
  const digits = ITEM.exec(body)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What the provider answers. */
export function answerTo(item: number): string {
  return `Item ${item} is of the colour of all items.`;
}

/** Whether a line of results is the answer to an item. */
export function isAnswerTo(line: string, item: number): boolean {
  return line.includes(`"Item ${item} is of the colour of all items."`);
}

/** The item that an answer of the provider is for. */
export function answeredItem(answer: string): number | undefined {
  const digits = ANSWERED.exec(answer)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** One request in the provider's record: all are of one length, so that its size says how many there were. */
export function askedRecord(item: number | undefined): string {
  return `${String(item ?? UNKNOWN).padStart(RECORD_DIGITS)}\n`;
}

/** How many requests a provider's record holds. */
export function askedCount(path: string): number {
  return Math.floor(statSync(path).size / RECORD_BYTES);
}

/** The items that were asked for, in the order of the requests. */
export function askedItems(path: string): readonly number[] {
  return readFileSync(path, 'latin1').trimEnd().split('\n').map(Number);
}
