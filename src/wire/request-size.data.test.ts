import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { hasData, sharedData } from '../../test/support/shared-data.ts';
import { callBound } from '../core/budget/call-bound.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import { decodeRequest } from './decode-request.ts';
import { requestSize } from './request-size.ts';

const FILE = ['compression', 'usage_labelled.jsonl.gz'] as const;

interface Row {
  readonly host: string;
  readonly api: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly usage: Readonly<Record<string, unknown>>;
  readonly file: string;
}

function endpointOf(api: string): Endpoint | undefined {
  if (api.startsWith('chat/completions')) return 'chat';
  if (api.endsWith('/responses')) return 'responses';
  if (api === 'v1/messages') return 'messages';
  return api.includes('embeddings') ? 'embeddings' : undefined;
}

function statedInput(usage: Row['usage']): number {
  const names = ['prompt_tokens', 'input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];
  return names.reduce((sum, name) => sum + (Number(usage[name]) || 0), 0);
}

test.skipIf(!hasData(...FILE))('real requests never count more input than their bound', () => {
  const lines = gunzipSync(readFileSync(sharedData(...FILE) ?? ''))
    .toString()
    .split('\n');
  const ratios: number[] = [];
  const tooLow: string[] = [];
  let unbounded = 0;
  for (const line of lines) {
    if (line === '') continue;
    const row = JSON.parse(line) as Row;
    const endpoint = endpointOf(row.api);
    if (endpoint === undefined) continue;
    const body = Buffer.from(JSON.stringify(row.request));
    const decoded = decodeRequest(endpoint, body);
    const size = requestSize(decoded, body.byteLength);
    if (size.kind === 'unbounded') {
      unbounded += 1;
      continue;
    }
    const unknown = { contextWindowTokens: undefined, maxOutputTokens: undefined };
    const bound = callBound(size, decoded, unknown, { defaultMaxOutputTokens: 1 });
    const stated = statedInput(row.usage);
    if (bound.kind === 'unpriced' || bound.inputTokens < stated) {
      tooLow.push(`${row.host} ${row.file}: ${stated} ${JSON.stringify(size)}`);
    } else ratios.push(bound.inputTokens / Math.max(1, stated));
  }
  expect(tooLow).toEqual([]);
  expect(ratios.length).toBeGreaterThan(400);
  // A bound is worth something only where it is not given up.
  expect(unbounded).toBeLessThan(ratios.length / 2);
  ratios.sort((left, right) => left - right);
  expect(ratios[Math.floor(ratios.length / 2)]).toBeLessThan(15);
});
