import type OpenAI from 'openai';
import { toFile } from 'openai';
import { expect } from 'vitest';
import { PATIENCE } from './deferred-asks.ts';
import { sumOf, type DeadlineStage } from './deadline-stage.ts';

export const MODEL = 'gpt-5.4-mini';
export const CLAUDE = 'claude-haiku-4-5';

/** The order of a batch, but for its file. */
export const ORDER = { endpoint: '/v1/chat/completions', completion_window: '24h' } as const;

/** A line of a batch's file; what a text is asked is cached by it. */
export function chatLine(customId: string, text: string, model: string = MODEL): string {
  const body = { model, messages: [{ role: 'user', content: text }], max_completion_tokens: 400 };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: ORDER.endpoint, body });
}

export async function uploaded(client: OpenAI, lines: readonly string[]): Promise<string> {
  const file = await toFile(Buffer.from(`${lines.join('\n')}\n`), 'in.jsonl');
  const { id } = await client.files.create({ file, purpose: 'batch' });
  return id;
}

/** A batch of lines, as its client sees it when it was made. */
export async function batchOf(
  client: OpenAI,
  lines: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<OpenAI.Batch> {
  return client.batches.create({ ...ORDER, input_file_id: await uploaded(client, lines), ...more });
}

/** A batch as it is when it is over. */
export async function finished(client: OpenAI, id: string): Promise<OpenAI.Batch> {
  let batch = await client.batches.retrieve(id);
  await expect
    .poll(async () => {
      batch = await client.batches.retrieve(id);
      return batch.status;
    }, PATIENCE)
    .toBe('completed');
  return batch;
}

interface ResultLine {
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly body: { readonly object: string } };
}

export async function resultsOf(client: OpenAI, { output_file_id: id }: OpenAI.Batch): Promise<readonly ResultLine[]> {
  const text = await (await client.files.content(id ?? '')).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ResultLine);
}

/** Resolves when the ledger is what the provider has billed, and nothing is held any more. */
export async function expectSettled(stage: DeadlineStage): Promise<void> {
  await expect
    .poll(async () => sumOf(await stage.charges()) - stage.provider.invoice().totalNanoUsd, PATIENCE)
    .toBe(0n);
}
