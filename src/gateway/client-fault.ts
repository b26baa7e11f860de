import { ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FarthingError } from '../core/errors.ts';
import { errorReply } from './send-error.ts';

/**
 * Answers what the HTTP parser refused: malformed requests, oversized headers, heads and bodies that take too long. There is no
 * request yet whose protocol could be told, so the shape is OpenAI's.
 * @internal
 */
export function answerClientFault(fault: Error & { readonly code?: string }, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable || isReplying(socket)) {
    socket.destroy();
    return;
  }
  const reply = errorReply(clientFault(fault.code ?? ''), 'openai');
  let head = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`;
  for (const [name, value] of Object.entries(reply.headers)) head += `${name}: ${value}\r\n`;
  head += `content-length: ${Buffer.byteLength(reply.body)}\r\nconnection: close\r\n\r\n`;
  socket.end(head + reply.body, () => socket.destroy());
}

function clientFault(code: string): FarthingError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new FarthingError('invalid-request', 'the request took too long to arrive', { status: 408 });
    case 'HPE_HEADER_OVERFLOW':
      return new FarthingError('invalid-request', 'the headers are too large', { status: 431 });
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new FarthingError('payload-too-large', 'the chunk extensions are too large');
    default:
      return new FarthingError('invalid-request', 'this is not well-formed HTTP');
  }
}

/** Whether the head of a reply has gone out on the socket; Node's own handler asks the same field of the socket. */
function isReplying(socket: Socket): boolean {
  const reply: unknown = Reflect.get(socket, '_httpMessage');
  return reply instanceof ServerResponse && reply.headersSent;
}
