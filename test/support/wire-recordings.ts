import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { sharedData } from './shared-data.ts';

/** One recorded request and reply of an OpenAI- or Anthropic-shaped endpoint. @internal */
export interface WireRecording {
  /** `file:line`, to find it again. */
  readonly name: string;
  /** The file's name without its ending: openai, groq ... */
  readonly provider: string;
  readonly endpoint: Endpoint;
  readonly status: number;
  /** The parsed body of the request, as it was sent; undefined where it was not recorded. */
  readonly request: unknown;
  /** The parsed reply, where it was no stream. */
  readonly body: unknown;
  /** The recorded stream, where it was one. */
  readonly stream: string | undefined;
}

const ENDINGS: readonly (readonly [ending: string, endpoint: Endpoint])[] = [
  ['/chat/completions', 'chat'],
  ['/responses', 'responses'],
  ['/embeddings', 'embeddings'],
  ['/messages', 'messages'],
  ['/messages/count_tokens', 'count-tokens'],
];

/** All recordings of the endpoints that we know, by the path they were made against; none when the data folder is absent. @internal */
export function wireRecordings(): readonly WireRecording[] {
  const folder = sharedData('wire');
  if (folder === undefined) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith('.jsonl') && !/^(?:oracle|vercel)/.test(file));
  return files.toSorted().flatMap((file) => fileRecordings(folder, file));
}

function fileRecordings(folder: string, file: string): readonly WireRecording[] {
  const recordings: WireRecording[] = [];
  for (const [line, text] of readFileSync(join(folder, file), 'utf8').split('\n').entries()) {
    if (text === '') continue;
    const record = JSON.parse(text);
    const path = String(record.endpoint).replace(/#.*$/, '');
    const endpoint = ENDINGS.find(([ending]) => path.endsWith(ending))?.[1];
    if (endpoint === undefined) continue;
    recordings.push({
      name: `${file}:${line + 1}`,
      provider: file.replace('.jsonl', ''),
      endpoint,
      status: record.status,
      request: record.request,
      body: record.response ?? (record.stream === true ? undefined : JSON.parse(record.response_text)),
      stream: record.stream === true ? record.response_text : undefined,
    });
  }
  return recordings;
}
