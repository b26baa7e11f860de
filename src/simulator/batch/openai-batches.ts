import { asObject, asText, type JsonObject } from '../json-value.ts';
import { badRequest, ProviderRefusal } from '../simulated-reply.ts';
import {
  jsonBodyOf,
  jsonReply,
  pageOf,
  type BatchAddressee,
  type BatchReply,
  type BatchRequest,
} from './batch-exchange.ts';
import type { BatchGround } from './batch-ground.ts';
import { keptText } from './kept-bytes.ts';
import { readUpload } from './multipart-form.ts';
import { checkLines, NO_ROWS, type BatchLineFault, type CheckedLines } from './openai-batch-lines.ts';
import { batchObject, resultLine, type OpenAiBatch } from './openai-batch-object.ts';
import type { RowEnd } from './simulated-batch.ts';
import { fileObject, joinedLines, SimulatedFiles } from './simulated-files.ts';

/** Documented: requests and bytes of a batch (OpenAI, batch guide). */
const MAX_REQUESTS = 50_000;
const MAX_BYTES = 200_000_000;
/** Endpoints of the batch guide that the simulator has. */
const ENDPOINTS = new Set(['/v1/chat/completions', '/v1/responses', '/v1/embeddings']);
/** Documented pages of `GET /v1/batches`. */
const BATCH_PAGES = { limit: 20, maxLimit: 100 };

/** OpenAI's `/v1/files` and `/v1/batches`. @internal */
export class OpenAiBatches {
  readonly #ground: BatchGround;
  readonly #files: SimulatedFiles = new SimulatedFiles();
  readonly #batches: Map<string, OpenAiBatch> = new Map<string, OpenAiBatch>();

  constructor(ground: BatchGround) {
    this.#ground = ground;
  }

  /** Files what the batches that ended have left. */
  fileResults(): void {
    for (const batch of this.#batches.values()) {
      if (!batch.batch.isOver || batch.isFiled) continue;
      batch.isFiled = true;
      batch.outputFileId = this.#fileOf(batch, 'output', batch.output);
      batch.errorFileId = this.#fileOf(batch, 'error', batch.errors);
    }
  }

  /** Serves a request of the protocol. @throws ProviderRefusal */
  async serve(request: BatchRequest, { of, operation, id }: BatchAddressee, nowMs: number): Promise<BatchReply> {
    const { account } = request;
    if (operation === 'upload') return this.#upload(request, nowMs);
    if (operation === 'submit') return this.#submit(request, nowMs);
    if (of === 'files') return this.#serveFile(request, operation, id);
    if (operation === 'list') return this.#list(account, new URLSearchParams(request.query), nowMs);
    const batch = this.#batchOf(id, account);
    if (operation === 'cancel') this.#cancel(batch, nowMs);
    return jsonReply(batchObject(batch));
  }

  #serveFile({ account, query }: BatchRequest, operation: BatchAddressee['operation'], id: string): BatchReply {
    if (operation === 'list') return this.#files.list(account, new URLSearchParams(query));
    if (operation === 'delete') return this.#files.remove(id, account);
    const file = this.#files.get(id, account);
    if (operation === 'read') return jsonReply(fileObject(file));
    return { contentType: 'application/octet-stream', chunks: joinedLines(file.lines) };
  }

  async #upload(request: BatchRequest, nowMs: number): Promise<BatchReply> {
    const maxBytes = this.#ground.behaviour.maxBytes ?? MAX_BYTES;
    const upload = await readUpload(request.contentType, request.body, maxBytes);
    const made = { id: `file-${this.#ground.random.hex(24)}`, account: request.account, nowMs };
    return jsonReply(fileObject(this.#files.upload(upload, made)));
  }

  async #submit(request: BatchRequest, nowMs: number): Promise<BatchReply> {
    const body = await jsonBodyOf(request);
    const { endpoint, fileId, metadata } = readSubmission(body);
    const file = this.#files.get(fileId, request.account);
    if (file.purpose !== 'batch') throw badRequest("The input file's purpose must be 'batch'.", 'input_file_id');
    const checked = this.#check(file.lines, endpoint);
    const faults = [...checked.faults, ...this.#tooManyTokens(request.account, checked)];
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    const id = `batch_${this.#ground.random.hex(32)}`;
    const deliver = (end: RowEnd): void => {
      const line = keptText(resultLine(end, this.#ground.random));
      (end.kind === 'reply' && end.status === 200 ? output : errors).push(line);
    };
    const batch = this.#ground.start({
      id,
      account: request.account,
      path: endpoint,
      rows: faults.length > 0 ? NO_ROWS : checked.rows,
      isFaulty: faults.length > 0,
      nowMs,
      deliver,
    });
    const { model, inputTokens } = checked;
    const made: OpenAiBatch = {
      id,
      batch,
      inputFileId: fileId,
      metadata,
      faults,
      model,
      inputTokens,
      output,
      errors,
      isFiled: false,
      outputFileId: undefined,
      errorFileId: undefined,
    };
    this.#batches.set(id, made);
    this.fileResults();
    return jsonReply(batchObject(made));
  }

  #check(lines: readonly Buffer[], endpoint: string): CheckedLines {
    const { behaviour, models } = this.#ground;
    const kind = endpoint === '/v1/embeddings' ? 'embedding' : 'language';
    return checkLines(
      lines.map((line) => (typeof line === 'string' ? Buffer.from(line) : line)),
      {
        endpoint,
        maxRequests: behaviour.maxRequests ?? MAX_REQUESTS,
        models: models.filter((model) => model.vendor === 'openai' && model.kind === kind).map(({ name }) => name),
        countsTokens: behaviour.enqueuedTokenLimit !== undefined,
      },
    );
  }

  #tooManyTokens(account: string, { model, inputTokens, faults }: CheckedLines): readonly BatchLineFault[] {
    const limit = this.#ground.behaviour.enqueuedTokenLimit;
    if (limit === undefined || faults.length > 0) return [];
    let enqueued = inputTokens;
    for (const { batch, ...other } of this.#batches.values()) {
      const counts = !batch.isOver && batch.brief.account === account && other.faults.length === 0;
      if (counts && other.model === model) enqueued += other.inputTokens;
    }
    if (enqueued <= limit) return [];
    const message = `Enqueued token limit reached for ${model}. Limit: ${limit} enqueued tokens. Please try again once some in_progress batches have been completed.`;
    return [{ code: 'token_limit_exceeded', message, param: null, line: null }];
  }

  #list(account: string, query: URLSearchParams, nowMs: number): BatchReply {
    const shownUntilMs = nowMs - this.#ground.behaviour.listingLagMs;
    const shown = [...this.#batches.values()].filter(
      ({ batch: { brief } }) => brief.account === account && brief.schedule.createdAtMs <= shownUntilMs,
    );
    const cursor = { after: query.get('after'), before: null, limit: query.get('limit') };
    const { items, hasMore } = pageOf(shown.toReversed(), cursor, BATCH_PAGES);
    return jsonReply({
      object: 'list',
      data: items.map(batchObject),
      first_id: items[0]?.id ?? null,
      last_id: items.at(-1)?.id ?? null,
      has_more: hasMore,
    });
  }

  #cancel(batch: OpenAiBatch, nowMs: number): void {
    if (batch.batch.isOver) {
      const { status } = batchObject(batch);
      throw new ProviderRefusal(409, 'invalid_request_error', `Cannot cancel a batch with status '${String(status)}'.`);
    }
    batch.batch.cancel(nowMs);
    this.fileResults();
  }

  #batchOf(id: string, account: string): OpenAiBatch {
    const batch = this.#batches.get(id);
    if (batch?.batch.brief.account === account) return batch;
    throw new ProviderRefusal(404, 'invalid_request_error', `No batch found with id '${id}'.`);
  }

  /** The file of the lines; undefined where there is none, as the provider leaves out empty files. */
  #fileOf({ id, batch }: OpenAiBatch, part: 'output' | 'error', lines: readonly Buffer[]): string | undefined {
    if (lines.length === 0) return undefined;
    let sizeBytes = 0;
    for (const line of lines) sizeBytes += line.byteLength + 1;
    const { account } = batch.brief;
    return this.#files.add({
      id: `file-${this.#ground.random.hex(24)}`,
      account,
      filename: `${id}_${part}.jsonl`,
      purpose: 'batch_output',
      createdAtMs: batch.endsAtMs,
      sizeBytes,
      lines: [...lines, Buffer.alloc(0)], // each line ends with a line feed
    }).id;
  }
}

interface Submission {
  readonly endpoint: string;
  readonly fileId: string;
  readonly metadata: JsonObject | null;
}

function readSubmission(body: JsonObject): Submission {
  const fileId = asText(body['input_file_id']);
  if (fileId === undefined) throw badRequest("Missing required parameter: 'input_file_id'.", 'input_file_id');
  const endpoint = asText(body['endpoint']);
  if (endpoint === undefined || !ENDPOINTS.has(endpoint)) {
    throw badRequest(`Invalid value: '${endpoint ?? ''}'. Supported are: ${[...ENDPOINTS].join(', ')}.`, 'endpoint');
  }
  if (body['completion_window'] !== '24h') {
    throw badRequest("Invalid value for 'completion_window'. Supported values are: '24h'.", 'completion_window');
  }
  return { endpoint, fileId, metadata: asObject(body['metadata']) ?? null };
}
