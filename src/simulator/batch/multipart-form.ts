import { badRequest, ProviderRefusal } from '../simulated-reply.ts';
import { LineSplitter } from './line-splitter.ts';

/** An uploaded file with the fields that came with it. @internal */
export interface Upload {
  readonly fields: ReadonlyMap<string, string>;
  readonly filename: string;
  /** The content cut at its line feeds. */
  readonly lines: readonly Buffer[];
  readonly sizeBytes: number;
}

/** Fields are short; a file part has a limit of its own. Ours. */
const MAX_FIELD_BYTES = 100_000;
/** A boundary has at most 70 characters (RFC 2046, section 5.1.1). */
const BOUNDARY = /\bboundary=(?:"([^"]{1,70})"|([^;\s"]{1,70}))/i;
const HEAD_END = Buffer.from('\r\n\r\n');

interface Part {
  readonly name: string;
  readonly filename: string | undefined;
}

/**
 * Reads a multipart form (RFC 7578) with one file as it comes.
 * @throws ProviderRefusal with 400 for what is no such form, 413 for a file over the limit.
 * @internal
 */
export async function readUpload(
  contentType: string,
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Upload> {
  const isForm = contentType.toLowerCase().startsWith('multipart/form-data;');
  const boundary = BOUNDARY.exec(contentType);
  const name = boundary?.[1] ?? boundary?.[2];
  if (!isForm || name === undefined) throw badRequest('Expected a multipart form with a file.');
  const reader = new FormReader(name, maxBytes);
  for await (const chunk of chunks) reader.push(chunk);
  return reader.end();
}

class FormReader {
  readonly #delimiter: Buffer;
  readonly #maxBytes: number;
  readonly #fields: Map<string, string> = new Map<string, string>();
  readonly #file: LineSplitter = new LineSplitter();
  #filename: string | undefined;
  #fileBytes = 0;
  #field = Buffer.alloc(0);
  #state: 'preamble' | 'head' | 'content' | 'over' = 'preamble';
  #part: Part | undefined;
  /** What may be the beginning of a delimiter. The first one has no line before it. */
  #held: Buffer = Buffer.from('\r\n');

  constructor(boundary: string, maxBytes: number) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#maxBytes = maxBytes;
  }

  push(chunk: Uint8Array): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#step());
  }

  end(): Upload {
    if (this.#state !== 'over') throw badRequest('The form ends too early.');
    if (this.#filename === undefined) throw badRequest("'file' is a required property", 'file');
    return {
      fields: this.#fields,
      filename: this.#filename,
      lines: this.#file.end(),
      sizeBytes: this.#fileBytes,
    };
  }

  /** @returns whether there may be more in what is held. */
  #step(): boolean {
    if (this.#state === 'over') {
      this.#held = Buffer.alloc(0);
      return false;
    }
    return this.#state === 'head' ? this.#readHead() : this.#readContent();
  }

  #readHead(): boolean {
    if (this.#held.subarray(0, 2).toString() === '--') {
      this.#state = 'over';
      return true;
    }
    const end = this.#held.indexOf(HEAD_END);
    if (end === -1) {
      if (this.#held.byteLength > MAX_FIELD_BYTES) throw badRequest('A part of the form has no content.');
      return false;
    }
    this.#part = partOf(this.#held.subarray(0, end).toString('utf8'));
    if (this.#part.filename !== undefined) this.#filename = this.#part.filename;
    this.#held = this.#held.subarray(end + HEAD_END.byteLength);
    this.#state = 'content';
    return true;
  }

  #readContent(): boolean {
    const end = this.#held.indexOf(this.#delimiter);
    const isWhole = end !== -1;
    const safe = isWhole ? end : Math.max(0, this.#held.byteLength - this.#delimiter.byteLength + 1);
    this.#keep(this.#held.subarray(0, safe));
    this.#held = this.#held.subarray(isWhole ? end + this.#delimiter.byteLength : safe);
    if (!isWhole) return false;
    if (this.#part !== undefined && this.#part.filename === undefined) {
      this.#fields.set(this.#part.name, this.#field.toString('utf8'));
    }
    this.#field = Buffer.alloc(0);
    this.#part = undefined;
    this.#state = 'head';
    return true;
  }

  #keep(bytes: Buffer): void {
    if (this.#part === undefined) return; // before the first part
    if (this.#part.filename === undefined) {
      this.#field = Buffer.concat([this.#field, bytes]);
      if (this.#field.byteLength > MAX_FIELD_BYTES) throw badRequest(`'${this.#part.name}' is too long.`);
      return;
    }
    this.#fileBytes += bytes.byteLength;
    if (this.#fileBytes > this.#maxBytes) {
      throw new ProviderRefusal(413, 'invalid_request_error', `The file is larger than ${this.#maxBytes} bytes.`);
    }
    this.#file.push(bytes);
  }
}

function partOf(head: string): Part {
  const name = /\bname="([^"]*)"/i.exec(head)?.[1];
  if (name === undefined) throw badRequest('A part of the form has no name.');
  return { name, filename: /\bfilename="([^"]*)"/i.exec(head)?.[1] };
}
