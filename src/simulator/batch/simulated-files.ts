import { jsonReply, pageOf, type BatchReply } from './batch-exchange.ts';
import { badRequest, ProviderRefusal } from '../simulated-reply.ts';
import type { Upload } from './multipart-form.ts';

/** A file at the simulated provider. @internal */
export interface SimulatedFile {
  readonly id: string;
  readonly account: string;
  readonly filename: string;
  readonly purpose: string;
  readonly createdAtMs: number;
  readonly sizeBytes: number;
  /** The content cut at its line feeds. */
  readonly lines: readonly Buffer[];
}

const PURPOSES = new Set(['batch', 'assistants', 'fine-tune', 'vision', 'user_data', 'evals']);
/** Pages of `GET /v1/files` (OpenAI, files reference). */
const FILE_PAGES = { limit: 10_000, maxLimit: 10_000 };
/** Lines that go out together. Ours: small enough to wait for a slow reader now and then. */
const CHUNK_BYTES = 65_536;

const LINE_FEED = Buffer.from('\n');

/** OpenAI's files: those that were uploaded, and those that batches leave. @internal */
export class SimulatedFiles {
  readonly #files: Map<string, SimulatedFile> = new Map<string, SimulatedFile>();

  /** @throws ProviderRefusal with 400 on a purpose or a name that the provider does not take. */
  upload(
    upload: Upload,
    made: { readonly id: string; readonly account: string; readonly nowMs: number },
  ): SimulatedFile {
    const purpose = upload.fields.get('purpose');
    if (purpose === undefined) throw badRequest("'purpose' is a required property", 'purpose');
    if (!PURPOSES.has(purpose)) throw badRequest(`'${purpose}' is not one of the purposes.`, 'purpose');
    if (purpose === 'batch' && !upload.filename.endsWith('.jsonl')) {
      throw badRequest('Invalid file format for Batch API. Must be .jsonl', 'file');
    }
    const { filename, lines, sizeBytes } = upload;
    return this.add({
      id: made.id,
      account: made.account,
      createdAtMs: made.nowMs,
      filename,
      purpose,
      lines,
      sizeBytes,
    });
  }

  add(file: SimulatedFile): SimulatedFile {
    this.#files.set(file.id, file);
    return file;
  }

  /** @throws ProviderRefusal with 404 when the account has no such file. */
  get(id: string, account: string): SimulatedFile {
    const file = this.#files.get(id);
    if (file?.account === account) return file;
    throw new ProviderRefusal(404, 'invalid_request_error', `No such File object: ${id}`, { param: 'id' });
  }

  remove(id: string, account: string): BatchReply {
    this.get(id, account);
    this.#files.delete(id);
    return jsonReply({ id, object: 'file', deleted: true });
  }

  list(account: string, query: URLSearchParams): BatchReply {
    const purpose = query.get('purpose');
    const all = [...this.#files.values()].filter(
      (file) => file.account === account && (purpose === null || file.purpose === purpose),
    );
    const shown = query.get('order') === 'asc' ? all : all.toReversed();
    const cursor = { after: query.get('after'), before: null, limit: query.get('limit') };
    const { items, hasMore } = pageOf(shown, cursor, FILE_PAGES);
    return jsonReply({
      object: 'list',
      data: items.map(fileObject),
      first_id: items[0]?.id ?? null,
      last_id: items.at(-1)?.id ?? null,
      has_more: hasMore,
    });
  }
}

/** A file as the provider shows it. @internal */
export function fileObject(file: SimulatedFile): unknown {
  const { id, filename, purpose, sizeBytes, createdAtMs } = file;
  const created_at = Math.floor(createdAtMs / 1000);
  return { id, object: 'file', bytes: sizeBytes, created_at, filename, purpose, status: 'processed', expires_at: null };
}

/** Lines joined by line feeds, in chunks. @internal */
export function* joinedLines(lines: readonly Buffer[]): Iterable<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for (const [index, line] of lines.entries()) {
    if (index > 0) held.push(LINE_FEED);
    held.push(line);
    heldBytes += line.byteLength + 1;
    if (heldBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}
