import { parseExactly } from './replay-json.ts';
import { SseFramer } from './sse-framer.ts';
import { DONE } from './stream-chat.ts';
import type { Fields } from './usage-count.ts';
import { wordOf } from './usage-count.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One event of a stored stream; `data` is undefined for `[DONE]`. @internal */
export interface StreamEvent {
  readonly type: string;
  readonly data: Fields | undefined;
}

/**
 * The events of a stored stream, comments left out.
 * @returns undefined when an event is not a JSON object.
 * @internal
 */
export function eventsOf(sseBytes: Uint8Array): readonly StreamEvent[] | undefined {
  const framer = new SseFramer({ maxFrameBytes: sseBytes.byteLength + 1 });
  const frames = [...framer.push(sseBytes)];
  const rest = framer.finish();
  if (rest !== undefined) frames.push(rest);
  const events: StreamEvent[] = [];
  for (const frame of frames) {
    if (frame.data === undefined || frame.data === '') continue;
    if (frame.data.trim() === DONE) {
      events.push({ type: DONE, data: undefined });
      continue;
    }
    const data = parseExactly(frame.data);
    if (data === undefined) return undefined;
    events.push({ type: wordOf(data['type']) ?? frame.event ?? '', data });
  }
  return events;
}

/** Writes events as a stream. @internal */
export class EventWriter {
  #text = '';

  /** Writes an event with a name, or without one (chat). */
  write(name: string | undefined, data: unknown): void {
    const head = name === undefined ? '' : `event: ${name}\n`;
    this.#text += `${head}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
  }

  bytes(): Uint8Array {
    return encoder.encode(this.#text);
  }
}

/** Reads a stored body. @returns undefined when it is not a JSON object. @internal */
export function bodyOf(bytes: Uint8Array): Fields | undefined {
  return parseExactly(decoder.decode(bytes));
}

/** Writes a body. @internal */
export function bodyBytes(body: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(body));
}
