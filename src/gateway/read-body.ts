import type { IncomingMessage } from 'node:http';
import { FarthingError } from '../core/errors.ts';

/**
 * Reads a request's body; undefined when the client left before its end.
 * @throws FarthingError `payload-too-large`, by the stated length or as soon as more has come.
 * @internal
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0; // the rest is read and dropped, see sendError
      reject(tooLarge(maxBytes));
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on('close', () => resolve(undefined)); // comes after `end` too, then without effect
  });
}

function tooLarge(maxBytes: number): FarthingError {
  return new FarthingError('payload-too-large', `the body is larger than ${maxBytes} bytes`);
}
