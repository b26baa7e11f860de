import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CallRecord } from '../../src/core/model/charge.ts';
import { inputTokensOf, outputTokensOf } from '../../src/core/model/usage.ts';
import { type ReplayRecording, startReplayUpstream } from '../../src/testing/replay-upstream.ts';
import { namedIds } from '../../src/wire/named-ids.ts';
import { FACES } from '../support/gateway-stack.ts';
import { hasData, sharedData } from '../support/shared-data.ts';

const PATHS = new Set(['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/messages']);

/** List prices in nano-dollars per token, written down apart from the price book: input, cache read, cache write (5 minutes), output. */
const PRICES: Readonly<Record<string, readonly [input: number, read: number, write: number, output: number]>> = {
  'gpt-4o': [2500, 1250, 0, 10_000],
  'gpt-5': [1250, 125, 0, 10_000],
  'claude-sonnet-4-5': [3000, 300, 3750, 15_000],
};

interface Wire extends ReplayRecording {
  readonly model: string;
  readonly stream: boolean;
  readonly request: Readonly<Record<string, unknown>>;
}

interface Stated {
  readonly input: number;
  readonly read: number;
  readonly write: number;
  readonly output: number;
}

function recordingsOf(provider: string): readonly Wire[] {
  const path = sharedData('wire', `${provider}.jsonl`);
  if (path === undefined) return [];
  const all = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line): Wire => JSON.parse(line));
  return all.filter(({ endpoint, status }) => status === 200 && PATHS.has(endpoint)).map(withUsageAsked);
}

/** What the provider gets from us for a chat stream, so that the upstream finds it. */
function withUsageAsked(recording: Wire): Wire {
  if (!recording.stream || recording.endpoint !== '/v1/chat/completions') return recording;
  return { ...recording, request: { ...recording.request, stream_options: { include_usage: true } } };
}

/** The usage as the reply states it, read as plainly as can be: the last value of each name, wherever it stands. */
function statedUsage(recording: Wire): Stated {
  const text = recording.response_text ?? JSON.stringify(recording.response);
  const last = (name: string): number =>
    Number([...text.matchAll(new RegExp(`"${name}":\\s*(\\d+)`, 'g'))].at(-1)?.[1] ?? 0);
  if (recording.endpoint === '/v1/messages') {
    const [read, write] = [last('cache_read_input_tokens'), last('cache_creation_input_tokens')];
    return { input: last('input_tokens'), read, write, output: last('output_tokens') };
  }
  const names =
    recording.endpoint === '/v1/responses' ? ['input_tokens', 'output_tokens'] : ['prompt_tokens', 'completion_tokens'];
  const read = last('cached_tokens');
  return { input: last(names[0] ?? '') - read, read, write: 0, output: last(names[1] ?? '') };
}

function statedCost(model: string, { input, read, write, output }: Stated): number | undefined {
  const price = PRICES[model];
  return price && input * price[0] + read * price[1] + write * price[2] + output * price[3];
}

/**
 * Left out: replies that state no usage (still queued), those with an hour's cache, hosted tools or a tier of their own, which have further terms in their
 * price, and requests that name ids which were made elsewhere: the gateway refuses those.
 */
function isPlain(recording: Wire): boolean {
  const text = recording.response_text ?? JSON.stringify(recording.response);
  return (
    statedUsage(recording).input > 0 &&
    namedIds(recording.request).length === 0 &&
    !/"service_tier":\s*"(?:flex|priority|batch)"|"ephemeral_1h_input_tokens":\s*[1-9]/.test(text) &&
    !/web_search|code_interpreter|"iterations"|_audio_|image_generation|file_search|mcp_|code_execution/.test(text)
  );
}

describe.skipIf(!hasData('wire'))('recordings of live providers', () => {
  const recordings = ['openai', 'anthropic'].flatMap(recordingsOf).filter(isPlain);

  test.each(FACES)(
    'through %s have the usage and the cost that they state',
    { timeout: 60_000 },
    async (_name, startFace) => {
      const upstream = await startReplayUpstream({ recordings });
      onTestFinished(() => upstream.close());
      const face = await startFace({ origin: upstream.origin });
      const byId = new Map(recordings.map((recording) => [recording.id, recording]));
      for (const { endpoint, request } of recordings) {
        const base = endpoint === '/v1/messages' ? face.anthropicBaseUrl : face.openaiBaseUrl.replace(/\/v1$/, '');
        const response = await face.fetch(`${base}${endpoint}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${face.apiKey}` },
          body: JSON.stringify(request),
        });
        expect([endpoint, response.status]).toEqual([endpoint, 200]);
        await response.arrayBuffer();
      }
      const records = await face.records(recordings.length);
      expect(records).toHaveLength(recordings.length);
      const differing: unknown[] = [];
      let priced = 0;
      for (const [index, record] of records.entries()) {
        const recording = byId.get(upstream.served[index] ?? '');
        if (recording === undefined) throw new Error('nothing was served');
        const [own, stated] = [summary(record), statedSummary(recording)];
        if (stated.cost !== undefined) priced += 1;
        else own.cost = undefined;
        if (JSON.stringify(own) !== JSON.stringify(stated)) differing.push({ id: recording.id, own, stated });
      }
      expect(differing).toEqual([]);
      expect(priced).toBeGreaterThan(30);
    },
  );
});

interface Summary {
  readonly input: number;
  readonly read: number;
  readonly output: number;
  cost: number | undefined;
}

function summary({ usage, costNanoUsd }: CallRecord): Summary {
  const [input, output] = [inputTokensOf(usage), outputTokensOf(usage)];
  return { input, read: usage.cacheRead, output, cost: costNanoUsd };
}

/** The cost is there only for models whose price is written down here. */
function statedSummary(recording: Wire): Summary {
  const stated = statedUsage(recording);
  const { input, read, write, output } = stated;
  return { input: input + read + write, read, output, cost: statedCost(recording.model, stated) };
}
