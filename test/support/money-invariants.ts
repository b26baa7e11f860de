import type { CallRecord, Charge } from '../../src/core/model/charge.ts';
import { CALM_MODELS } from './money-schedule.ts';
import type { MoneyRun, RunCall } from './money-run.ts';

/** Everything that a run did wrong, in words; empty when it kept every promise. */
export function moneyFaults(run: MoneyRun): readonly string[] {
  return [
    ...settledFaults(run),
    ...run.records.flatMap((record) => [...recordFaults(record, run.charges)]),
    ...invoiceFaults(run),
    ...run.calls.flatMap((call) => [...replyFaults(call)]),
    ...answerFaults(run.calls),
  ];
}

function* settledFaults(run: MoneyRun): Iterable<string> {
  if (run.inFlight !== 0) yield `${run.inFlight} calls are still in flight`;
  if (run.unwritten !== 0) yield `${run.unwritten} charges were never written`;
  if (run.openIntents.length > 0) yield `${run.openIntents.length} intents are open`;
  if (run.records.length !== run.calls.length) yield `${run.calls.length} calls, ${run.records.length} records`;
  const { inFlight } = run.upstream.counters();
  if (inFlight !== 0) yield `${inFlight} requests are still under way at the provider`;
  for (const event of run.events) if (event.kind === 'internal-fault') yield `internal fault: ${String(event.error)}`;
}

function* recordFaults(record: CallRecord, all: readonly Charge[]): Iterable<string> {
  const charges = all.filter((charge) => charge.callId === record.callId);
  const name = `${record.callId} (${record.endpoint}, ${record.outcome}, ${record.cacheStatus})`;
  if (charges.length > record.attempts) yield `${name}: ${record.attempts} attempts, ${charges.length} charges`;
  // An attempt whose intent could not be written was none: it left no trace.
  if (charges.length < record.attempts && record.outcome !== 'store-unavailable')
    yield `${name}: an attempt without a charge`;
  const cost = charges.reduce((sum, charge) => sum + (charge.amountNanoUsd ?? Number.NaN), 0);
  if (cost !== record.costNanoUsd) yield `${name}: costs ${record.costNanoUsd}, its charges ${cost}`;
  const { savedNanoUsd, savedParts, baselineNanoUsd } = record;
  const parts = Object.values(savedParts ?? {}).reduce((sum, part) => sum + part, 0);
  if (savedNanoUsd !== parts) yield `${name}: saved ${savedNanoUsd}, its parts ${parts}`;
  if (baselineNanoUsd === undefined || baselineNanoUsd - cost !== savedNanoUsd)
    yield `${name}: baseline - cost is not saved`;
  const isAnswered = record.target !== undefined && record.outcome === 'complete';
  if (['hit', 'stale'].includes(record.cacheStatus) && !isAnswered && record.outcome !== 'client-left')
    yield `${name}: a hit without an answer`;
  if (record.cacheStatus === 'hit' && cost !== 0) yield `${name}: a hit that cost ${cost}`;
  if ((savedParts?.retries ?? 0) > 0 || (savedParts?.cache ?? 0) < 0)
    yield `${name}: parts ${JSON.stringify(savedParts)}`;
}

function* invoiceFaults(run: MoneyRun): Iterable<string> {
  const { byModel } = run.upstream.invoice();
  for (const [model, line] of Object.entries(byModel)) {
    const charges = run.charges.filter((charge) => charge.target.endsWith(`/${model}`));
    const exact = charges.filter((charge) => charge.certainty === 'exact');
    const charged = exact.reduce((sum, charge) => sum + BigInt(charge.amountNanoUsd ?? 0), 0n);
    const stated = line.totalNanoUsd - line.unstatedNanoUsd;
    if (CALM_MODELS.includes(model) ? charged !== stated : charged > stated)
      yield `${model}: the provider stated ${stated}, charged exactly ${charged}`;
    const billed = charges.filter((charge) => charge.certainty !== 'none');
    if (billed.length < line.requests) yield `${model}: ${line.requests} requests billed, ${billed.length} charged`;
    if (billed.some((charge) => (charge.amountNanoUsd ?? 0) <= 0)) yield `${model}: a charge of nothing`;
  }
}

function* replyFaults({ call, sink, hasLeft, listeners }: RunCall): Iterable<string> {
  const name = `${call.endpoint} ${JSON.stringify(call.body)}`;
  for (const fault of sink.faults) yield `${name}: ${fault}`;
  if (listeners > 0) yield `${name}: ${listeners} listeners left on the client's signal`;
  if (sink.ending === 'open' && !hasLeft) yield `${name}: never ended`;
  const head = sink.gotHead;
  if (head === undefined || head.status !== 200 || hasLeft) return;
  const isStream = head.headers['content-type']?.startsWith('text/event-stream') === true;
  if (isStream !== (call.body['stream'] === true)) yield `${name}: answered in the wrong form`;
  if (head.headers['cache-status'] === undefined) yield `${name}: no cache-status`;
}

/** Equal questions at temperature 0, and equal texts to embed, have equal answers: from the provider, the cache or another call. */
function* answerFaults(calls: readonly RunCall[]): Iterable<string> {
  const answers = new Map<string, string>();
  for (const { call, sink, hasLeft } of calls) {
    if (hasLeft || sink.gotHead?.status !== 200) continue;
    const said = call.endpoint === 'embeddings' ? embeddedPairs(call.body, sink.text()) : chatPairs(call, sink.text());
    for (const [question, answer] of said) {
      const known = answers.get(question);
      if (known !== undefined && known !== answer) yield `${question}: "${known}" and "${answer}"`;
      answers.set(question, answer);
    }
  }
}

function embeddedPairs(body: Readonly<Record<string, unknown>>, text: string): readonly (readonly [string, string])[] {
  const reply = JSON.parse(text) as { data?: readonly { index: number; embedding: unknown }[] };
  const inputs = Array.isArray(body['input']) ? (body['input'] as string[]) : [String(body['input'])];
  return inputs.map((input, index) => {
    const vector = reply.data?.find((item) => item.index === index)?.embedding;
    const isAsked = (typeof vector === 'string') === (body['encoding_format'] === 'base64');
    const numbers =
      typeof vector === 'string'
        ? [...new Float32Array(new Uint8Array(Buffer.from(vector, 'base64')).buffer)]
        : (vector as readonly number[] | undefined)?.map(Math.fround);
    return [`embed ${String(body['model'])} ${input}`, `${isAsked ? '' : 'wrong encoding '}${JSON.stringify(numbers)}`];
  });
}

function chatPairs({ endpoint, body }: RunCall['call'], text: string): readonly (readonly [string, string])[] {
  if (body['temperature'] !== 0) return [];
  const { stream, stream_options: _options, ...asked } = body;
  const said = stream === true ? streamedText(text) : wholeText(JSON.parse(text));
  return said === undefined ? [] : [[`${endpoint} ${JSON.stringify(asked)}`, said]];
}

interface AnyReply {
  readonly choices?: readonly { readonly message?: { readonly content?: string } }[];
  readonly content?: readonly { readonly text?: string }[];
  readonly output?: readonly { readonly content?: readonly { readonly text?: string }[] }[];
}

function wholeText(reply: AnyReply): string {
  const items = reply.output?.flatMap((item) => item.content ?? []) ?? reply.content ?? [];
  return reply.choices?.[0]?.message?.content ?? items.map((part) => part.text ?? '').join('');
}

interface AnyEvent {
  readonly type?: string;
  readonly error?: unknown;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string };
    readonly finish_reason?: string | null;
  }[];
  readonly delta?: string | { readonly text?: string };
}

/** The text of a stream that came to its end; undefined for one that did not. */
function streamedText(text: string): string | undefined {
  let said = '';
  let hasEnded = false;
  for (const line of text.split('\n')) {
    if (!line.startsWith('data: ')) continue;
    if (line === 'data: [DONE]') {
      hasEnded = true;
      continue;
    }
    const event = JSON.parse(line.slice(6)) as AnyEvent;
    if (event.error !== undefined && event.error !== null) return undefined;
    if (event.type === 'message_stop' || event.type === 'response.completed') hasEnded = true;
    if (event.type === undefined) said += event.choices?.[0]?.delta?.content ?? '';
    else if (event.type === 'content_block_delta' && typeof event.delta === 'object') said += event.delta.text ?? '';
    else if (event.type === 'response.output_text.delta' && typeof event.delta === 'string') said += event.delta;
  }
  return hasEnded ? said : undefined;
}
