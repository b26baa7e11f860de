import { isUtf8 } from 'node:buffer';
import type { CallRecord } from '../../core/model/charge.ts';

/** Version of the line format, the field `v`; grows when the meaning of a field changes. See docs/call-log.md. @public */
export const CALL_LOG_VERSION = 1;

/** What went over the wire, headers not among it: they carry credentials. @public */
export interface CallBodies {
  /** The body as the client sent it. */
  readonly request: Uint8Array;
  /** The body as the client got it. */
  readonly reply: Uint8Array;
}

type LoggedBody = { readonly text: string } | { readonly base64: string };

function loggedBody(bytes: Uint8Array): LoggedBody {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { text: buffer.toString('utf8') } : { base64: buffer.toString('base64') };
}

/** Writes one call as one line of JSON, line feed included. @internal */
export function callLogLine(record: CallRecord, bodies: CallBodies | undefined): string {
  const logged = bodies && { request: loggedBody(bodies.request), reply: loggedBody(bodies.reply) };
  return `${JSON.stringify({ v: CALL_LOG_VERSION, ...record, bodies: logged })}\n`;
}
