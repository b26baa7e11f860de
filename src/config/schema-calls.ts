import * as z from 'zod';
import type { CacheMode } from '../core/cacheability.ts';
import type { ResiliencePolicy } from '../core/resilience/resilience-policy.ts';
import { NO_ENCRYPTION_KEY, parseEncryptionKey } from '../core/encryption-key.ts';
import type { CacheConfig, LimitsConfig, ResilienceConfig } from './config.ts';
import {
  duration,
  flag,
  leaf,
  oneOf,
  positiveDuration,
  ratio,
  section,
  size,
  timeout,
  usd,
  wholeNumber,
} from './schema-leaves.ts';

const encryptionKey = leaf((text) => (parseEncryptionKey(text) === undefined ? undefined : text), NO_ENCRYPTION_KEY, {
  description: 'A key of 32 bytes: `openssl rand -base64 32`.',
  unit: 'secret, base64 or hex',
  json: { type: 'string' },
});

const cacheEncryption = section('Encrypts answers on disk and in Redis (AES-256-GCM). Left out: they are in clear.', {
  keys: z.array(encryptionKey).meta({
    description: 'The first encrypts, all decrypt. To change keys put a new one first; drop the old one later.',
  }),
}).transform(({ keys }, context) => {
  if (keys.length === 0)
    context.addIssue({ code: 'custom', path: ['keys'], message: 'is empty; name at least one key' });
  for (const [index, key] of keys.entries()) {
    if (keys.indexOf(key) < index)
      context.addIssue({ code: 'custom', path: ['keys', index], message: 'is listed before' });
  }
  return keys;
});

/** `cache`. @internal */
export const cacheSchema: z.ZodType<CacheConfig> = section('The response cache.', {
  mode: oneOf<CacheMode>(
    'What is served: `deterministic` calls with temperature 0 or a seed, `declared` also what the caller asks for with `x-farthing-cache: on`, `all` everything.',
    ['off', 'deterministic', 'declared', 'all'],
  ),
  ttl: positiveDuration('For how long an answer is fresh. There is no unlimited value.'),
  memory: size('Bytes of answers kept in memory.'),
  disk: size('Bytes of answers kept on disk; `0B` keeps none.'),
  scope: oneOf('Who shares answers: all keys of a project, or each key alone.', ['project', 'key']),
  staleIfError: duration('For how long past its time an answer may be served when the provider fails; `0s` never.'),
  allowStored: flag('Whether answers that the provider stores for the caller (`store: true`) may be cached.'),
  encryption: cacheEncryption.optional(),
}).transform((read) => ({
  mode: read.mode,
  ttlMs: read.ttl,
  memoryBytes: read.memory,
  diskBytes: read.disk,
  scope: read.scope,
  staleIfErrorMs: read.staleIfError,
  allowStored: read.allowStored,
  encryptionKeys: read.encryption,
}));

/** `limits`. @internal */
export const limitsSchema: z.ZodType<LimitsConfig> = section('Bounds of the server and of calls.', {
  maxBody: size('Largest request body.', 1),
  // Node reads a head of at least this size whatever the setting; smaller ones refuse ordinary clients.
  maxHeaders: size('All headers of a request together.', 1024),
  headersTimeout: timeout('For how long the head of a request may take to arrive.'),
  requestTimeout: timeout(
    'For how long a whole request, body included, may take to arrive; not below `headersTimeout`.',
  ),
  maxConnections: wholeNumber('Connections at a time; more are closed at once.', 1, 1_000_000),
  maxInFlight: wholeNumber('Calls under way at a time; more wait for their turn.', 1, 1_000_000),
  maxQueued: wholeNumber(
    'Calls that wait at a time, interactive ones before those of a batch; more get 503. 0: nobody waits.',
    0,
    1_000_000,
  ),
  queueWait: timeout(
    'For how long a call waits, then it gets 503. Large bodies are not read meanwhile, but `requestTimeout` runs.',
  ),
  maxLoopLag: timeout(
    'How late the event loop may be before new calls get 503, those of a batch at half of it; from 20ms. Hours are never.',
  ).refine((lagMs) => lagMs >= 20, 'is too short; timers are that late in a process at rest; write 20ms or more'),
  maxHeapRatio: ratio(
    'Which share of the memory (of the heap, or of the container) may be in use before new calls get 503, those of a batch at nine tenths of it; from 0.2. `1` is never.',
  ).refine((share) => share >= 0.2, 'is too low; a process at rest is near it; write 0.2 or more'),
  drainTimeout: timeout('For how long a stop waits for calls under way.'),
  defaultMaxOutputTokens: wholeNumber(
    "Output limit that is reserved for, and sent with, calls under a hard budget that state none: longer answers are cut off. Left out: the model's own maximum is reserved, and nothing is sent.",
    1,
    10_000_000,
  ).optional(),
  budgetWait: duration('For how long a call may wait for money that other calls hold; `0s` never.'),
  toolAllowanceUsd: usd("Held on top for calls that may use the provider's own tools."),
  maxTagValues: wholeNumber(
    'Most values (projects, keys, models, values of a tag) that one budget counts apart.',
    1,
    100_000_000,
  ),
  unboundedCalls: oneOf(
    "Calls under a hard budget whose input nothing bounds (hosted tools, stored conversations, files by id): `reserve` the model's whole window and the tool allowance, or `refuse` them.",
    ['reserve', 'refuse'],
  ),
}).transform((read, context) => {
  if (read.requestTimeout < read.headersTimeout) {
    context.addIssue({ code: 'custom', path: ['requestTimeout'], message: 'is shorter than limits.headersTimeout' });
  }
  return {
    maxBodyBytes: read.maxBody,
    maxHeaderBytes: read.maxHeaders,
    headersTimeoutMs: read.headersTimeout,
    requestTimeoutMs: read.requestTimeout,
    maxConnections: read.maxConnections,
    maxInFlight: read.maxInFlight,
    maxQueued: read.maxQueued,
    queueWaitMs: read.queueWait,
    maxLoopLagMs: read.maxLoopLag,
    maxHeapRatio: read.maxHeapRatio,
    drainTimeoutMs: read.drainTimeout,
    defaultMaxOutputTokens: read.defaultMaxOutputTokens,
    budgetWaitMs: read.budgetWait,
    toolAllowanceNanoUsd: read.toolAllowanceUsd,
    maxTagValues: read.maxTagValues,
    unboundedCalls: read.unboundedCalls,
  };
});

const cooldown = section('When a target is left alone for a while.', {
  failures: wholeNumber('After so many failures in a row.', 1, 1000),
  ratio: ratio('Or after this share of the last 20 attempts failed.'),
  for: timeout('For how long; then one call at a time finds out whether it works again.'),
  refusedFor: timeout('For how long after the provider refused the key or the account (401, 402, 403, spent quota).'),
}).transform((read) => ({
  failures: read.failures,
  failureRatio: read.ratio,
  lengthMs: read.for,
  refusedLengthMs: read.refusedFor,
}));

const hedge = section(
  'A second attempt beside one that is slow; the faster one answers, both are charged. Left out: none.',
  {
    percentile: ratio("After the time that this share of a target's attempts stayed within."),
    minDelay: timeout('Never earlier than this.'),
  },
).transform((read) => ({ percentileRatio: read.percentile, minDelayMs: read.minDelay }));

/** `resilience`. @internal */
export const resilienceSchema: z.ZodType<ResilienceConfig> = section('Timeouts, retries, fallbacks and cooldowns.', {
  retries: wholeNumber('Further attempts of a call on the same target; 0 for none.', 0, 10),
  firstByteTimeout: timeout(
    'For how long the first byte of a stream is waited for; then the next target is asked. A whole reply has `totalTimeout` alone.',
  ),
  idleTimeout: timeout('For how long a stream may be silent; pings count as life.'),
  totalTimeout: timeout('For how long a call may take as a whole, all attempts and pauses included.'),
  midStream: oneOf<ResiliencePolicy['midStream']>(
    'What becomes of a stream that breaks after a part of it was passed on: an `error` event; `continue` lets the next target go on from the text so far; `buffer` passes nothing on before the answer is whole, so that any target can take over.',
    ['error', 'continue', 'buffer'],
  ),
  cooldown,
  retryBudget: ratio('Retries on the same target as a share of the calls that it gets; fallbacks are exempt.'),
  contentFilter: oneOf<ResiliencePolicy['contentFilter']>(
    "What becomes of a call that a provider's content filter refused: `pass` hands the refusal on, `next` asks the next target.",
    ['pass', 'next'],
  ),
  adaptParameters: flag(
    'Whether parameters that a target is known to refuse (a temperature, `max_tokens`) are left out or renamed for it.',
  ),
  hedge: hedge.optional(),
}).transform((read) => ({
  firstByteTimeoutMs: read.firstByteTimeout,
  idleTimeoutMs: read.idleTimeout,
  totalTimeoutMs: read.totalTimeout,
  retries: read.retries,
  midStream: read.midStream,
  cooldown: read.cooldown,
  retryBudgetRatio: read.retryBudget,
  contentFilter: read.contentFilter,
  adaptParameters: read.adaptParameters,
  hedge: read.hedge,
}));
