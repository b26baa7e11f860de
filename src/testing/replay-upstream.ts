import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { closeServer, listenOnLoopback } from '../simulator/loopback-server.ts';
import { replayChunks, type ReplayChunking } from './replay-chunks.ts';

/** One recorded exchange with a live provider, as a line of a recordings file. @public */
export interface ReplayRecording {
  readonly id: string;
  /** The path that was asked, `/v1/chat/completions`. */
  readonly endpoint: string;
  readonly status: number;
  /** The request's JSON body. */
  readonly request?: unknown;
  readonly response_headers?: Readonly<Record<string, string>>;
  /** A JSON reply, written out again by `JSON.stringify`. */
  readonly response?: unknown;
  /** A reply as text, sent byte for byte. */
  readonly response_text?: string;
  /** A reply in bytes that are no text. */
  readonly response_base64?: string;
}

/** How recordings are replayed. @public */
export interface ReplayUpstreamOptions {
  /** Path of a file with one {@link ReplayRecording} a line, or the recordings themselves. */
  readonly recordings: string | readonly ReplayRecording[];
  /** Where the reply's bytes are cut. @defaultValue `{ kind: 'whole' }` */
  readonly chunking?: ReplayChunking;
}

/** An upstream that answers with recordings. @public */
export interface ReplayUpstream {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  readonly recordings: readonly ReplayRecording[];
  /** Ids of the recordings that were served, in order; undefined where none was found. */
  readonly served: readonly (string | undefined)[];
  close(): Promise<void>;
}

/** Headers that speak of the recorded connection and not of the reply. */
const DROPPED_HEADERS = new Set([
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'connection',
  'date',
  'set-cookie',
]);
/** Chunks that are written before the event loop gets its turn. */
const CHUNKS_A_TURN = 128;

/**
 * Starts an HTTP server on the loopback interface that answers with recorded replies of real providers: the one that the request
 * header `x-replay-id` names, else the one whose request body is deeply equal (order of properties aside), the same path preferred.
 * Nothing found is a 404 that says so.
 * @throws Error when the file cannot be read or a line is not JSON.
 * @public
 */
export async function startReplayUpstream(options: ReplayUpstreamOptions): Promise<ReplayUpstream> {
  const recordings = typeof options.recordings === 'string' ? readRecordings(options.recordings) : options.recordings;
  const library = new RecordingLibrary(recordings);
  const chunking = options.chunking ?? { kind: 'whole' };
  const served: (string | undefined)[] = [];
  const server = createServer((message, response) => {
    void replay(message, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  const replay = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(message);
    const recording = library.find(message, body);
    served.push(recording?.id);
    if (recording === undefined) respondNotFound(message, response);
    else await respond(recording, response, chunking);
  };
  const origin = await listenOnLoopback(server);
  return { origin, recordings, served, close: () => closeServer(server) };
}

function readRecordings(path: string): readonly ReplayRecording[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line): ReplayRecording => JSON.parse(line));
}

class RecordingLibrary {
  readonly #byId: Map<string, ReplayRecording> = new Map<string, ReplayRecording>();
  readonly #byBody: Map<string, ReplayRecording[]> = new Map<string, ReplayRecording[]>();

  constructor(recordings: readonly ReplayRecording[]) {
    for (const recording of recordings) {
      this.#byId.set(recording.id, recording);
      const body = canonical(recording.request);
      const alike = this.#byBody.get(body);
      if (alike === undefined) this.#byBody.set(body, [recording]);
      else alike.push(recording);
    }
  }

  find(message: IncomingMessage, body: string): ReplayRecording | undefined {
    const id = message.headers['x-replay-id'];
    if (typeof id === 'string') return this.#byId.get(id);
    const alike = this.#byBody.get(canonicalText(body)) ?? [];
    const path = (message.url ?? '').split('?', 1)[0];
    return alike.find((recording) => recording.endpoint === path) ?? alike[0];
  }
}

function canonicalText(body: string): string {
  try {
    return canonical(JSON.parse(body));
  } catch {
    return body; // no recording has such a body, so nothing is found
  }
}

/** JSON with sorted properties, so that equal values have equal texts. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_name, item: unknown) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).toSorted(([left], [right]) => (left < right ? -1 : 1)))
        : item,
    ) ?? ''
  );
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function respond(recording: ReplayRecording, response: ServerResponse, chunking: ReplayChunking): Promise<void> {
  const headers = Object.entries(recording.response_headers ?? {}).filter(
    ([name]) => !DROPPED_HEADERS.has(name.toLowerCase()),
  );
  response.writeHead(recording.status, Object.fromEntries(headers));
  let written = 0;
  for (const chunk of replayChunks(recordedBytes(recording), chunking)) {
    if (response.destroyed) return;
    response.write(chunk);
    written += 1;
    // oxlint-disable-next-line no-await-in-loop -- lets the reader take part
    if (written % CHUNKS_A_TURN === 0) await nextTurn();
  }
  response.end();
}

function recordedBytes(recording: ReplayRecording): Buffer {
  if (recording.response_text !== undefined) return Buffer.from(recording.response_text);
  if (recording.response_base64 !== undefined) return Buffer.from(recording.response_base64, 'base64');
  return Buffer.from(JSON.stringify(recording.response ?? null));
}

function respondNotFound(message: IncomingMessage, response: ServerResponse): void {
  const text = `no recording for ${message.method ?? 'GET'} ${message.url ?? '/'}`;
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ error: { message: text, type: 'replay_upstream', param: null, code: 'no_recording' } }),
  );
}
