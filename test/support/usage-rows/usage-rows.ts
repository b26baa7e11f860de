import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Prompt } from '../../../src/core/model/prompt.ts';
import type { Endpoint } from '../../../src/core/model/protocol.ts';
import type { TokenTarget } from '../../../src/core/tokens/profile-of-model.ts';
import type { DecodedRequest } from '../../../src/wire/decoded-request.ts';
import { decodeRequest } from '../../../src/wire/decode-request.ts';
import { promptOf } from '../../../src/wire/prompt/prompt-of.ts';
import { sharedData } from '../shared-data.ts';
import { conversePrompt } from './converse-prompt.ts';
import { geminiPrompt } from './gemini-prompt.ts';
import { fieldOf, isRecord, type Json, textOf } from './json.ts';

/** Where the rows lie in the data folder. @internal */
export const USAGE_ROWS_FILE = ['compression', 'usage_labelled.jsonl.gz'] as const;

/** A recorded request with the provider's own count of its input tokens. @internal */
export interface UsageRow {
  /** Its place in the file. */
  readonly index: number;
  readonly host: string;
  /** The recording that it is from. */
  readonly file: string;
  readonly target: TokenTarget;
  readonly prompt: Prompt;
  readonly actualTokens: number;
  /** Whether the same request with the same count stands further ahead. */
  readonly isRepeated: boolean;
  /** As the gateway reads it; undefined for protocols that it does not speak. */
  readonly decoded: DecodedRequest | undefined;
  readonly bodyBytes: number;
}

/** Reads the rows that have a prompt and a count above zero. Embeddings, compaction and stored caches have none. @internal */
export function readUsageRows(): readonly UsageRow[] {
  const seen = new Set<string>();
  const lines = gunzipSync(readFileSync(sharedData(...USAGE_ROWS_FILE) ?? ''))
    .toString()
    .split('\n');
  return lines.flatMap((line, index) => {
    const row: unknown = line === '' ? undefined : JSON.parse(line);
    const read = isRecord(row) ? readRow(row, index) : undefined;
    if (read === undefined || read.actualTokens === 0) return [];
    const identity = `${read.host} ${JSON.stringify(isRecord(row) ? row['request'] : '')} ${read.actualTokens}`;
    const isRepeated = seen.has(identity);
    seen.add(identity);
    return [{ ...read, isRepeated }];
  });
}

function readRow(row: Json, index: number): Omit<UsageRow, 'isRepeated'> | undefined {
  const { request } = row;
  const [host, api, file] = [textOf(row['host']), textOf(row['api']), textOf(row['file'])];
  if (!isRecord(request)) return undefined;
  const text = JSON.stringify(request);
  const bodyBytes = Buffer.byteLength(text);
  const endpoint = endpointOf(api);
  const decoded = endpoint === undefined ? undefined : decodeRequest(endpoint, Buffer.from(text));
  const prompt = decoded === undefined ? foreignPrompt(host, api, request) : promptOf(decoded)?.prompt;
  if (prompt === undefined) return undefined;
  const target = { model: modelOf(row, host, api), provider: providerOf(host), endpoint };
  return { index, host, file, target, prompt, actualTokens: statedTokens(row['usage']), decoded, bodyBytes };
}

/** What the gateway reads itself. */
function endpointOf(api: string): Endpoint | undefined {
  if (api.startsWith('chat/completions')) return 'chat';
  if (api.endsWith('/responses')) return 'responses';
  if (api === 'messages/count_tokens') return 'count-tokens';
  return api === 'v1/messages' ? 'messages' : undefined;
}

function foreignPrompt(host: string, api: string, request: Json): Prompt | undefined {
  if (host.startsWith('bedrock-runtime.')) return conversePrompt(request);
  if (/gemini-[^/]*:(?:streamG|g)enerateContent/.test(api)) return geminiPrompt(request);
  // Cohere's chat is near enough to OpenAI's to be read as one.
  if (api !== 'v2/chat') return undefined;
  return promptOf(decodeRequest('chat', Buffer.from(JSON.stringify(request))))?.prompt;
}

function providerOf(host: string): string {
  if (host.endsWith('aiplatform.googleapis.com')) return 'google-vertex';
  if (host.startsWith('bedrock-runtime.')) return 'bedrock';
  if (host.endsWith('googleapis.com')) return 'google';
  return host.split('.').at(-2) ?? host;
}

function modelOf(row: Json, host: string, api: string): string {
  if (host.startsWith('bedrock-runtime.')) return decodeURIComponent(api.slice(0, api.lastIndexOf('/')));
  const found = /(gemini-[^/:]*):/.exec(api);
  return found?.[1] ?? textOf(row['model']);
}

/** All input, also that which was read from a cache or written to one. */
function statedTokens(usage: unknown): number {
  const counts = fieldOf(usage, 'tokens') ?? usage;
  const sum = (...names: readonly string[]): number =>
    names.reduce((total, name) => total + (Number(fieldOf(counts, name)) || 0), 0);
  return (
    sum('promptTokenCount') ||
    sum('prompt_tokens') ||
    sum('inputTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens') ||
    // OpenAI's and Cohere's `input_tokens` hold what was cached, and they have none of the other two.
    sum('input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens')
  );
}
