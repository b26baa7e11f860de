import { asObject, asText, type JsonObject } from '../json-value.ts';
import { badRequest, ProviderRefusal } from '../simulated-reply.ts';
import { jsonReply, pageOf, type BatchAddressee, type BatchReply, type BatchRequest } from './batch-exchange.ts';
import type { BatchGround } from './batch-ground.ts';
import { ElementSplitter } from './element-splitter.ts';
import { keptText } from './kept-bytes.ts';
import type { BatchRowRequest, BatchRows, RowEnd, SimulatedBatch } from './simulated-batch.ts';
import { joinedLines } from './simulated-files.ts';

/** Documented: requests and bytes of a batch (docs.claude.com, batch processing). */
const MAX_REQUESTS = 100_000;
const MAX_BYTES = 256_000_000;
/** Documented pages of the list. */
const BATCH_PAGES = { limit: 20, maxLimit: 1000 };
const CUSTOM_ID = /^[\w-]{1,64}$/;

interface AnthropicBatch {
  readonly id: string;
  readonly batch: SimulatedBatch;
  readonly results: readonly Buffer[];
}

/** Anthropic's `/v1/messages/batches`. @internal */
export class AnthropicBatches {
  readonly #ground: BatchGround;
  readonly #batches: Map<string, AnthropicBatch> = new Map<string, AnthropicBatch>();

  constructor(ground: BatchGround) {
    this.#ground = ground;
  }

  /** Serves a request of the protocol. @throws ProviderRefusal */
  async serve(request: BatchRequest, { operation, id }: BatchAddressee, nowMs: number): Promise<BatchReply> {
    const { account, origin } = request;
    if (operation === 'submit') return this.#submit(request, nowMs);
    if (operation === 'list') return this.#list(request, nowMs);
    const made = this.#batches.get(id);
    if (made?.batch.brief.account !== account) {
      throw new ProviderRefusal(404, 'invalid_request_error', `Batch not found: ${id}`);
    }
    if (operation === 'cancel') {
      if (made.batch.isOver) throw badRequest(`Batch ${id} cannot be canceled because it has already ended.`);
      made.batch.cancel(nowMs);
    }
    if (operation === 'delete') {
      if (!made.batch.isOver) throw badRequest(`Batch ${id} is still in progress; cancel it first.`);
      this.#batches.delete(id);
      return jsonReply({ id, type: 'message_batch_deleted' });
    }
    if (operation !== 'download') return jsonReply(batchObject(made, origin));
    if (!made.batch.isOver) throw badRequest(`Batch ${id} has no results yet: it is still in progress.`);
    return { contentType: 'application/x-jsonl', chunks: joinedLines([...made.results, Buffer.alloc(0)]) };
  }

  async #submit(request: BatchRequest, nowMs: number): Promise<BatchReply> {
    const rows = await this.#readRows(request.body);
    const id = `msgbatch_${this.#ground.random.hex(24)}`;
    const results: Buffer[] = [];
    const batch = this.#ground.start({
      id,
      account: request.account,
      path: '/v1/messages',
      rows,
      isFaulty: false,
      nowMs,
      deliver: (end) => results.push(keptText(resultLine(end))),
    });
    const made = { id, batch, results };
    this.#batches.set(id, made);
    return jsonReply(batchObject(made, request.origin));
  }

  async #readRows(body: AsyncIterable<Uint8Array>): Promise<BatchRows> {
    const { behaviour } = this.#ground;
    const splitter = new ElementSplitter();
    let sizeBytes = 0;
    for await (const chunk of body) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > (behaviour.maxBytes ?? MAX_BYTES)) {
        throw new ProviderRefusal(413, 'invalid_request_error', 'Request exceeds the maximum size');
      }
      splitter.push(chunk);
    }
    const { elements, rest } = splitter.end();
    const places = parsed(rest)?.['requests'];
    if (!Array.isArray(places) || places.some((place) => place !== 0) || places.length !== elements.length) {
      throw badRequest('requests: Input should be a valid list of requests');
    }
    if (elements.length === 0) throw badRequest('requests: List should have at least 1 item');
    const maxRequests = behaviour.maxRequests ?? MAX_REQUESTS;
    if (elements.length > maxRequests) throw badRequest(`requests: List should have at most ${maxRequests} items`);
    checkElements(elements);
    return { count: elements.length, row: (index) => rowOf(elements[index]) };
  }

  #list({ account, origin, query }: BatchRequest, nowMs: number): BatchReply {
    const parameters = new URLSearchParams(query);
    const shownUntilMs = nowMs - this.#ground.behaviour.listingLagMs;
    const shown = [...this.#batches.values()].filter(
      ({ batch: { brief } }) => brief.account === account && brief.schedule.createdAtMs <= shownUntilMs,
    );
    const cursor = {
      after: parameters.get('after_id'),
      before: parameters.get('before_id'),
      limit: parameters.get('limit'),
    };
    const { items, hasMore } = pageOf(shown.toReversed(), cursor, BATCH_PAGES);
    return jsonReply({
      data: items.map((made) => batchObject(made, origin)),
      has_more: hasMore,
      first_id: items[0]?.id ?? null,
      last_id: items.at(-1)?.id ?? null,
    });
  }
}

function parsed(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** What is wrong with `params` shows in the results; ids are looked at before anything is made. */
function checkElements(elements: readonly Buffer[]): void {
  const seen = new Set<string>();
  for (const [index, element] of elements.entries()) {
    const item = parsed(element.toString('utf8'));
    if (item === undefined) throw badRequest('We could not parse the JSON body of your request.');
    const customId = asText(item['custom_id']);
    if (customId === undefined || !CUSTOM_ID.test(customId)) {
      throw badRequest(`requests.${index}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`);
    }
    if (seen.has(customId)) throw badRequest(`requests.${index}.custom_id: '${customId}' is not unique`);
    seen.add(customId);
    if (asObject(item['params']) === undefined) throw badRequest(`requests.${index}.params: Field required`);
  }
}

function rowOf(element: Buffer | undefined): BatchRowRequest {
  const item = parsed(element?.toString('utf8') ?? '') ?? {};
  return { customId: asText(item['custom_id']) ?? '', body: asObject(item['params']) ?? {} };
}

/** A batch as the provider shows it. While it runs all its requests count as processing. */
function batchObject({ id, batch }: AnthropicBatch, origin: string): JsonObject {
  const { tally, isOver, cancelledAtMs, requests } = batch;
  const { schedule } = batch.brief;
  const processing = batch.cancelledAtMs === undefined ? 'in_progress' : 'canceling';
  return {
    id,
    type: 'message_batch',
    processing_status: isOver ? 'ended' : processing,
    request_counts: {
      processing: isOver ? 0 : requests,
      succeeded: isOver ? tally.succeeded : 0,
      errored: isOver ? tally.errored : 0,
      canceled: isOver ? tally.cancelled : 0,
      expired: isOver ? tally.expired : 0,
    },
    created_at: new Date(schedule.createdAtMs).toISOString(),
    expires_at: new Date(schedule.expiresAtMs).toISOString(),
    ended_at: isOver ? new Date(batch.endsAtMs).toISOString() : null,
    cancel_initiated_at: cancelledAtMs === undefined ? null : new Date(cancelledAtMs).toISOString(),
    archived_at: null,
    results_url: isOver ? `${origin}/v1/messages/batches/${id}/results` : null,
  };
}

function resultLine(end: RowEnd): string {
  const customId = JSON.stringify(end.customId);
  if (end.kind === 'reply') {
    const result =
      end.status === 200 ? `{"type":"succeeded","message":${end.body}}` : `{"type":"errored","error":${end.body}}`;
    return `{"custom_id":${customId},"result":${result}}`;
  }
  return `{"custom_id":${customId},"result":{"type":"${end.kind === 'expired' ? 'expired' : 'canceled'}"}}`;
}
