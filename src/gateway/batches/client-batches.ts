import { FarthingError } from '../../core/errors.ts';
import type { ResourceKind } from '../../core/model/resource.ts';
import { batchIdOfClient, batchIdOfFile, clientBatchId } from '../../wire/batch/client-batch-ids.ts';
import { type BatchOfClient, clientBatchObject } from '../../wire/batch/client-batch-object.ts';
import { derivedIds } from '../../wire/made-ids.ts';
import { isObject, type JsonObject } from '../../wire/request-guards.ts';
import type { PathMeaning } from '../../wire/resource-path.ts';
import { isJsonReply, readReply, relayReply } from '../resources/passed-reply.ts';
import { askBeside, type BatchCounter, type ResourceExchange } from '../resources/resource-exchange.ts';
import { cachedRowsId, type ClientBatchParts } from './client-batch-draft.ts';
import { createAnthropicBatch } from './create-anthropic-batch.ts';
import { createOpenaiBatch } from './create-openai-batch.ts';
import { cachedLines, joinedReply, resultFile } from './joined-results.ts';
import { namedBatch, namedOrder } from './named-order.ts';
import { answerJson } from './send-client-batch.ts';
import { shownAt } from './shown-thing.ts';

type Resource = Extract<PathMeaning, { kind: 'resource' }>;

/** The purpose of files with the results of batches (openai, `OpenAIFile`). */
const RESULTS = 'batch_output';

/**
 * Batches that clients make themselves: metered row by row, and shown with what the cache has answered of them.
 * @internal
 */
export class ClientBatches implements BatchCounter {
  readonly #parts: ClientBatchParts;

  constructor(parts: ClientBatchParts) {
    this.#parts = parts;
  }

  /**
   * Makes a batch of a client's, or shows the one that the same request has made before. Undefined: it is for an endpoint that cannot be metered.
   * @returns the status that the client got.
   */
  async create(
    exchange: ResourceExchange,
    kind: 'batches' | 'messages/batches',
    bytes: Uint8Array,
  ): Promise<number | undefined> {
    const body = jsonIn(bytes);
    if (!isObject(body)) throw new FarthingError('invalid-request', 'the body must be a JSON object');
    const named = namedOrder(exchange, kind, bytes);
    const known = named && (await namedBatch(this.#parts.jobs, named));
    if (known?.kind === 'made') return this.#showAgain(exchange, kind, known.batch);
    const order = { body, bytes, place: known?.place };
    return kind === 'batches'
      ? createOpenaiBatch(exchange, this.#parts, order)
      : createAnthropicBatch(exchange, this.#parts, order);
  }

  /** A batch that was made here, or the file of its results, as its client sees it. Undefined: the provider has it no more. */
  async thing(exchange: ResourceExchange, kind: ResourceKind, id: string): Promise<JsonObject | undefined> {
    const batch = await this.#find(id);
    return batch && this.#shown(exchange, kind, batch);
  }

  /** Answers a request for a batch that was made here, or for the file of its results. */
  async answer(exchange: ResourceExchange, { of, id, rest }: Resource): Promise<number> {
    const { method } = exchange.request;
    const [below = '', ...more] = rest;
    const batch = more.length > 0 ? undefined : await this.#find(id);
    if (batch === undefined) throw nothing();
    const isFile = of === 'files';
    const asked = `${method} ${below}`;
    if (asked === 'GET ') return this.#show(exchange, of, batch);
    if (asked === 'DELETE ') return this.#remove(exchange, batch, id);
    if (asked === (isFile ? 'GET content' : 'GET results')) return this.#results(exchange, batch);
    if (asked === 'POST cancel' && !isFile) return this.#cancel(exchange, batch);
    throw nothing();
  }

  async mustBeBooked(exchange: ResourceExchange, fileId: string): Promise<void> {
    const open = await this.#openAt(exchange);
    if (open.length === 0 || (await shownAt(exchange, 'files', fileId))?.['purpose'] !== RESULTS) return;
    for (const providerId of open) {
      // oxlint-disable-next-line no-await-in-loop -- a client has few batches under way, and most often the first is it
      const shown = await shownAt(exchange, 'batches', providerId);
      if (shown?.['output_file_id'] === fileId || shown?.['error_file_id'] === fileId) throw notBooked();
    }
  }

  /** The provider's ids of the project's batches whose results are in files, and not booked. */
  async #openAt({ project, provider }: ResourceExchange): Promise<readonly string[]> {
    const open = await this.#parts.jobs.batches({});
    return open.flatMap(({ client, providerId }) =>
      client?.project === project &&
      client.provider === provider.name &&
      client.protocol === 'openai' &&
      providerId !== undefined
        ? [providerId]
        : [],
    );
  }

  async #find(id: string): Promise<BatchOfClient | undefined> {
    const batchId = batchIdOfClient(id) ?? batchIdOfFile(id);
    if (batchId === undefined) return undefined;
    const [batch] = await this.#parts.jobs.batches({ batchIds: [batchId] });
    return batch?.client === undefined ? undefined : { ...batch, client: batch.client };
  }

  async #showAgain(exchange: ResourceExchange, kind: ResourceKind, batch: BatchOfClient): Promise<number> {
    const id = clientBatchId(batch.batchId, batch.client.protocol);
    // What its client has deleted meanwhile is nobody's.
    await exchange.owners.demand([{ id, param: 'id' }], exchange.project, exchange.provider.name);
    return this.#show(exchange, kind, batch);
  }

  async #show(exchange: ResourceExchange, kind: ResourceKind, batch: BatchOfClient): Promise<number> {
    const thing = await this.#shown(exchange, kind, batch);
    if (thing === undefined) throw nothing();
    return answerJson(exchange, thing);
  }

  async #shown(exchange: ResourceExchange, kind: ResourceKind, batch: BatchOfClient): Promise<JsonObject | undefined> {
    if (kind === 'files') return resultFile(exchange, this.#parts.jobs, batch);
    const { providerId } = batch;
    if (providerId === undefined) return this.#claimed(exchange, clientBatchObject(batch, undefined));
    const shown = await shownAt(exchange, kindOf(batch), providerId);
    return shown && this.#claimed(exchange, clientBatchObject(batch, shown));
  }

  /** What a batch names is its client's before the client learns of it. */
  async #claimed({ owners, project, provider }: ResourceExchange, object: JsonObject): Promise<JsonObject> {
    await owners.claim(derivedIds('batches', object), project, provider.name);
    return object;
  }

  async #cancel(exchange: ResourceExchange, batch: BatchOfClient): Promise<number> {
    const { jobs, clock, wake } = this.#parts;
    const { providerId, batchId, stage } = batch;
    if (stage === 'abandoned') {
      throw new FarthingError('invalid-request', 'the batch is over: it cannot be cancelled', { status: 409 });
    }
    if (providerId === undefined) {
      await jobs.cancelBatches([batchId], clock.nowMs());
      wake();
      return answerJson(exchange, clientBatchObject(batch, undefined));
    }
    return forward(exchange, `/v1/${kindOf(batch)}/${encodeURIComponent(providerId)}/cancel`, (shown) =>
      this.#claimed(exchange, clientBatchObject(batch, shown)),
    );
  }

  /** Deletes a batch, or what it has brought, and with it what the cache answered. */
  async #remove(exchange: ResourceExchange, batch: BatchOfClient, id: string): Promise<number> {
    const isFile = batchIdOfFile(id) !== undefined;
    if (batch.stage !== 'settled' && batch.stage !== 'abandoned') throw notBooked();
    const forget = async (shown: JsonObject): Promise<JsonObject> => {
      await this.#dropCached(batch.batchId);
      await exchange.owners.forget(exchange.provider.name, id);
      return { ...shown, id };
    };
    const gone = isFile ? { object: 'file', deleted: true } : { type: 'message_batch_deleted' };
    const providerId = isFile ? await this.#outputFileOf(exchange, batch) : batch.providerId;
    if (providerId !== undefined) {
      const kind = isFile ? 'files' : kindOf(batch);
      return forward(exchange, `/v1/${kind}/${encodeURIComponent(providerId)}`, forget);
    }
    return answerJson(exchange, await forget(gone));
  }

  async #outputFileOf(exchange: ResourceExchange, { providerId }: BatchOfClient): Promise<string | undefined> {
    if (providerId === undefined) return undefined;
    const id = (await shownAt(exchange, 'batches', providerId))?.['output_file_id'];
    return typeof id === 'string' ? id : undefined;
  }

  async #dropCached(batchId: string): Promise<void> {
    const { jobs } = this.#parts;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- each page is what the one before left
      const page = await jobs.list({ batchId: cachedRowsId(batchId), limit: 500 });
      if (page.length === 0) return;
      // oxlint-disable-next-line no-await-in-loop
      await jobs.remove(page.map(({ call }) => call.callId));
    }
  }

  async #results(exchange: ResourceExchange, batch: BatchOfClient): Promise<number> {
    const { client, providerId, stage } = batch;
    const lines = cachedLines(this.#parts.jobs, batch);
    if (client.protocol === 'openai') {
      const fileId = await this.#outputFileOf(exchange, batch);
      return joinedReply(exchange, fileId && `/v1/files/${encodeURIComponent(fileId)}/content`, lines);
    }
    if (providerId === undefined && stage !== 'abandoned') {
      throw new FarthingError('invalid-request', 'the batch has no results yet: it is still in progress');
    }
    const path = providerId && `/v1/messages/batches/${encodeURIComponent(providerId)}/results`;
    return joinedReply(exchange, path, lines);
  }
}

function kindOf({ client }: BatchOfClient): 'batches' | 'messages/batches' {
  return client.protocol === 'openai' ? 'batches' : 'messages/batches';
}

/** What rows have cost stands in their results and nowhere else. */
function notBooked(): FarthingError {
  return new FarthingError('invalid-request', 'the batch is not over, or its results are still being booked: later', {
    status: 409,
    retryable: true,
  });
}

function nothing(): FarthingError {
  return new FarthingError('not-found', 'id: there is no such id', { param: 'id' });
}

/** Asks the provider for what the client asked, and shows a good answer as the client is to see it. */
async function forward(
  exchange: ResourceExchange,
  url: string,
  show: (shown: JsonObject) => Promise<JsonObject>,
): Promise<number> {
  const reply = await askBeside(exchange, url, exchange.request.method);
  if (reply.status >= 300 || !isJsonReply(reply)) {
    exchange.onReply();
    await relayReply(reply, exchange.response);
    return reply.status;
  }
  const shown: unknown = JSON.parse((await readReply(reply)).toString());
  return answerJson(exchange, await show(isObject(shown) ? shown : {}));
}

/** Undefined where it is none: a form, say. */
function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return undefined;
  }
}
