// CPU of a cache key, and of key and memory hit together, against JSON libraries' way. Run: npx -c 'node bench/cache-key.bench.ts [out.json]'
import { createHash, hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cacheKey, type CacheKeyParts, cacheScope, rawKey } from '../src/core/cache-key.ts';
import { MemoryCacheStore } from '../src/stores/memory/memory-cache-store.ts';
import { testCacheEntry } from '../src/testing/cache-store-conformance.ts';

const ROUNDS = 9;
const SIZES_KB = [1, 10, 100];
const TEXT = 'The quick brown fox jumps over the lazy dog, "quoted" and\nnew lined. Ünïcode is here too. ';

const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

interface ChatBody {
  readonly [field: string]: unknown;
  readonly messages: { role: string; content: string }[];
}

function chatOf(sizeBytes: number): ChatBody {
  const parameters = {
    type: 'object',
    properties: { city: { type: 'string' }, unit: { enum: ['c', 'f'] } },
    required: ['city'],
  };
  const body: ChatBody = {
    model: 'gpt-4.1-mini',
    temperature: 0,
    max_tokens: 512,
    stream: false,
    tools: [{ type: 'function', function: { name: 'get_weather', description: 'Get it', parameters } }],
    messages: [],
  };
  for (let turn = 0; JSON.stringify(body).length < sizeBytes; turn += 1) {
    const left = sizeBytes - JSON.stringify(body).length;
    const content = TEXT.repeat(20).slice(0, Math.min(1500, Math.max(20, left - 40)));
    body.messages.push({ role: turn % 2 === 0 ? 'user' : 'assistant', content });
  }
  return body;
}

/** Sorted keys at every depth, as canonical JSON libraries do. */
function sortedJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => sortedJson(item)).join(',')}]`;
  const fields = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${fields.map(([key, child]) => `${JSON.stringify(key)}:${sortedJson(child)}`).join(',')}}`;
}

/** The line to beat: the prototype's encoding, which knows no fields, no schemas and no lone surrogates. */
function prototypeEncoding(value: unknown): string {
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (typeof value === 'number') return `n${value};`;
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  if (typeof value !== 'object' || value === null) return 'N';
  if (Array.isArray(value)) {
    let items = `a${value.length}:`;
    for (const item of value) items += prototypeEncoding(item);
    return items;
  }
  const fields = value as Record<string, unknown>;
  const keys = Object.keys(fields).toSorted();
  let text = `o${keys.length}:`;
  for (const key of keys) text += `${key.length}:${key}${prototypeEncoding(fields[key])}`;
  return text;
}

type Variant = () => unknown;

async function variantsFor(body: ChatBody): Promise<Readonly<Record<string, Variant>>> {
  const rawBody = Buffer.from(JSON.stringify(body));
  const scope = cacheScope('project', 'alpha');
  const parts: CacheKeyParts = {
    scope,
    endpoint: 'chat',
    target: { provider: 'openai', model: 'gpt-4.1-mini' },
    providerIdentity: 'https://api.openai.com/v1',
    policyFingerprint: 'none',
    headers: {},
    body,
    rawBody,
  };
  const store = new MemoryCacheStore({ clock: { nowMs: () => 1000, monotonicMs: () => 1000 } });
  await store.write(cacheKey(parts, sha256), testCacheEntry());
  const raw = { scope, endpoint: 'chat', headers: {}, policyVersion: '1', body: rawBody } as const;
  return {
    'cache key': () => cacheKey(parts, sha256),
    'cache key + memory hit': () => store.peek(cacheKey(parts, sha256)),
    'parse + cache key + memory hit': () =>
      store.peek(cacheKey({ ...parts, body: JSON.parse(rawBody.toString()) as ChatBody }, sha256)),
    'raw key': () => rawKey(raw, sha256),
    'prototype encoding + sha256': () => sha256(prototypeEncoding(body)),
    'JSON.stringify + sha256 (unsorted)': () => createHash('sha256').update(JSON.stringify(body)).digest('hex'),
    'sorted JSON + sha256': () => createHash('sha256').update(sortedJson(body)).digest('hex'),
  };
}

function cpuMicroseconds(variant: Variant, count: number): number {
  const before = process.cpuUsage();
  for (let index = 0; index < count; index += 1) variant();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / count;
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;

/** Median CPU of each variant. Interleaved, so that a busy machine slows all alike; the first round warms up. */
function measure(variants: Readonly<Record<string, Variant>>, count: number): Readonly<Record<string, number>> {
  const samples: Record<string, number[]> = {};
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [name, variant] of Object.entries(variants)) {
      const used = cpuMicroseconds(variant, count);
      if (round >= 0) (samples[name] ??= []).push(used);
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, used]) => [name, median(used)]));
}

const results: Record<string, Record<string, number>> = {};
for (const kilobytes of SIZES_KB) {
  // oxlint-disable-next-line no-await-in-loop -- one size after the other: they must not disturb each other
  const variants = await variantsFor(chatOf(kilobytes * 1000));
  const medians = measure(variants, Math.max(100, Math.round(10_000 / kilobytes)));
  for (const [name, used] of Object.entries(medians)) (results[name] ??= {})[`${kilobytes} KB`] = used;
}

const columns = SIZES_KB.map((kilobytes) => `${kilobytes} KB`);
const lines = [`CPU microseconds (ratio to sorted JSON), Node ${process.versions.node}`];
for (const [name, row] of Object.entries(results)) {
  const cells = columns.map((column) => {
    const used = row[column] ?? 0;
    return `${used.toFixed(1)} (${(used / (results['sorted JSON + sha256']?.[column] ?? 1)).toFixed(2)})`.padStart(16);
  });
  lines.push(name.padEnd(38) + cells.join(''));
}
process.stdout.write(`${lines.join('\n')}\n`);
const [, , output] = process.argv;
if (output !== undefined)
  writeFileSync(output, `${JSON.stringify({ node: process.versions.node, results }, undefined, 2)}\n`);
