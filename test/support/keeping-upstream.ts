import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { closeServer, listenOnLoopback } from '../../src/simulator/loopback-server.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Something that the upstream keeps. */
interface Kept {
  readonly thing: Fields;
  /** What a file holds, or what a response was told. */
  readonly content: string;
}

/** An upstream that keeps what it is sent and shows it to everybody with its key, as providers do: files, batches, responses and more. */
export interface KeepingUpstream {
  readonly origin: string;
  /** Method and path of every request, in order. */
  readonly asked: string[];
  /** Everything that is kept, by id. */
  readonly kept: Map<string, Kept>;
  close(): Promise<void>;
}

const COLLECTIONS: Readonly<Record<string, { readonly prefix: string; readonly object: string }>> = {
  files: { prefix: 'file-', object: 'file' },
  batches: { prefix: 'batch_', object: 'batch' },
  'messages/batches': { prefix: 'msgbatch_', object: 'message_batch' },
  vector_stores: { prefix: 'vs_', object: 'vector_store' },
  conversations: { prefix: 'conv_', object: 'conversation' },
  containers: { prefix: 'cntr_', object: 'container' },
};

const USAGE = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };

/** Starts it; the caller closes it. */
export async function startKeepingUpstream(): Promise<KeepingUpstream> {
  const upstream = new Upstream();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      upstream.answer(request, Buffer.concat(chunks), response).catch((error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(String(error));
      });
    });
  });
  const origin = await listenOnLoopback(server);
  return { origin, asked: upstream.asked, kept: upstream.kept, close: () => closeServer(server) };
}

class Upstream {
  readonly asked: string[] = [];
  readonly kept = new Map<string, Kept>();
  #count = 0;

  async answer(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?');
    this.asked.push(`${request.method} ${path}`);
    const below = path.replace(/^\/v1\//, '');
    const metered = { responses: 1, 'chat/completions': 1, messages: 1 }[below];
    if (metered === undefined) {
      await this.#keepOrShow(request, below, body, response);
      return;
    }
    const asked: Fields = JSON.parse(body.toString());
    if (below === 'responses') this.#respond(asked, response);
    else if (below === 'messages') this.#message(asked, response);
    else send(response, completion(`told: ${this.#told(asked)}`));
  }

  async #keepOrShow(request: IncomingMessage, below: string, body: Buffer, response: ServerResponse): Promise<void> {
    const collection = Object.keys({ ...COLLECTIONS, responses: 1 }).find(
      (name) => below === name || below.startsWith(`${name}/`),
    );
    if (collection === undefined) return send(response, { said: body.toString() });
    const [id, action] = below.slice(collection.length + 1).split('/');
    if (id === undefined || id === '') {
      if (request.method === 'POST') return send(response, await this.#make(collection, request, body));
      const data = [...this.kept.values()].map(({ thing }) => thing);
      return send(response, { object: 'list', data, has_more: false });
    }
    const kept = this.kept.get(decodeURIComponent(id));
    if (kept === undefined) return notFound(response, id);
    if (request.method === 'DELETE') {
      this.kept.delete(id);
      return send(response, { id, object: `${String(kept.thing['object'])}.deleted`, deleted: true });
    }
    if (action === 'content' || action === 'results') {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.end(kept.content);
      return undefined;
    }
    return send(response, collection === 'batches' ? this.#finished(kept) : kept.thing);
  }

  async #make(collection: string, request: IncomingMessage, body: Buffer): Promise<Fields> {
    const { prefix, object } = COLLECTIONS[collection] ?? { prefix: 'x_', object: 'x' };
    const type = request.headers['content-type'] ?? '';
    const base = { id: this.#nextId(prefix), object, type: object, created_at: this.#count };
    if (!type.startsWith('multipart/')) {
      const asked: Fields = body.byteLength === 0 ? {} : JSON.parse(body.toString());
      return this.#keep({ ...base, status: 'in_progress', asked }, body.toString());
    }
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
    const file = form.get('file');
    const content = file instanceof Blob ? await file.text() : '';
    const purpose = form.get('purpose') ?? 'user_data';
    const named = file instanceof File ? file.name : '';
    return this.#keep({ ...base, filename: named, purpose, bytes: content.length, status: 'processed' }, content);
  }

  /** A batch is done when it is looked at; its output is a file. */
  #finished({ thing, content }: Kept): Fields {
    if (thing['status'] === 'completed') return thing;
    const output = this.#keep(
      { id: this.#nextId('file-'), object: 'file', purpose: 'batch_output', filename: 'out' },
      content,
    );
    return this.#keep({ ...thing, status: 'completed', output_file_id: output['id'] }, content);
  }

  #respond(asked: Fields, response: ServerResponse): void {
    const text = `told: ${this.#told(asked)}`;
    const id = this.#nextId('resp_');
    const item = this.#keep(
      { id: this.#nextId('msg_'), type: 'message', role: 'assistant', status: 'completed' },
      text,
    );
    const output = [{ ...item, content: [{ type: 'output_text', text, annotations: [] }] }];
    const base = { id, object: 'response', store: asked['store'] !== false, model: asked['model'], created_at: 1 };
    const reply = { ...base, status: 'completed', output, usage: USAGE };
    if (base.store) this.#keep(reply, `${text} ${JSON.stringify(asked['input'])}`);
    if (asked['stream'] !== true) return send(response, reply);
    const events = [
      { type: 'response.created', response: { ...base, status: 'in_progress', output: [] } },
      { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
      {
        type: 'response.content_part.added',
        item_id: item['id'],
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: '', annotations: [] },
      },
      { type: 'response.output_text.delta', item_id: item['id'], output_index: 0, content_index: 0, delta: text },
      { type: 'response.output_item.done', output_index: 0, item: output[0] },
      { type: 'response.completed', response: reply },
    ];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    response.end();
    return undefined;
  }

  #message(asked: Fields, response: ServerResponse): void {
    const usesCode = JSON.stringify(asked['tools'] ?? []).includes('code_execution');
    const container = usesCode ? this.#keep({ id: this.#nextId('container_') }, 'container') : undefined;
    const file = usesCode ? this.#keep({ id: this.#nextId('file_'), object: 'file' }, 'made by code') : undefined;
    const result = {
      type: 'bash_code_execution_tool_result',
      tool_use_id: 'srvtoolu_1',
      content: {
        type: 'bash_code_execution_result',
        content: [{ type: 'bash_code_execution_output', file_id: file?.['id'] }],
      },
    };
    const text = { type: 'text', text: `told: ${this.#told(asked)}` };
    send(response, {
      id: this.#nextId('msg_'),
      type: 'message',
      role: 'assistant',
      model: asked['model'],
      content: usesCode ? [result, text] : [text],
      ...(container === undefined ? {} : { container: { id: container['id'], expires_at: 'later' } }),
      stop_reason: 'end_turn',
      usage: USAGE,
    });
  }

  /** What a request is told by the things that it names, as a provider reads them: whoever they are from. */
  #told(value: unknown): string {
    if (typeof value === 'string') return this.kept.get(value)?.content ?? '';
    if (typeof value !== 'object' || value === null) return '';
    return Object.values(value)
      .map((part) => this.#told(part))
      .filter((text) => text !== '')
      .join('; ');
  }

  #keep(thing: Fields, content: string): Fields {
    this.kept.set(String(thing['id']), { thing, content });
    return thing;
  }

  /** No id is the beginning of another. */
  #nextId(prefix: string): string {
    this.#count += 1;
    return `${prefix}${String(this.#count).padStart(6, '0')}`;
  }
}

function completion(content: string): Fields {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-5.4-mini',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  };
}

function notFound(response: ServerResponse, id: string): void {
  send(
    response,
    { error: { message: `No such thing: ${id}`, type: 'invalid_request_error', param: 'id', code: null } },
    404,
  );
}

function send(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
