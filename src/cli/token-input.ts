import { readFile } from 'node:fs/promises';
import { FarthingError } from '../core/errors.ts';
import { endpointOfBody, type OwnRequest, readOwnRequest, requestBody } from '../wire/prompt/own-request.ts';
import type { JsonObject } from '../wire/request-guards.ts';

/** What a file may be said to hold. @internal */
export const TOKEN_INPUT_KINDS = ['text', 'chat', 'responses', 'messages'] as const;

/** @internal */
export type TokenInputKind = (typeof TOKEN_INPUT_KINDS)[number];

/** What a file holds: a text as it stands, or a request of an endpoint as a prompt. @internal */
export type TokenInput =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: Exclude<TokenInputKind, 'text'>; readonly own: OwnRequest };

/** How standard input is called on the command line. @internal */
export const STANDARD_INPUT = '-';

/**
 * Reads a file or standard input.
 * @throws FarthingError `configuration` where there is no such file, or where it holds no text.
 * @internal
 */
export async function readTokenInput(path: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const bytes = path === STANDARD_INPUT ? await allOf(stdin) : await fileBytes(path);
  // No text that anybody sends holds a NUL; UTF-16 and pictures do.
  if (bytes.includes(0)) throw new FarthingError('configuration', `${path}: is not a text, but binary`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FarthingError('configuration', `${path}: is not a text in UTF-8`, { cause });
  }
}

async function allOf(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function fileBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const reasons: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', EISDIR: 'is a folder' };
    throw new FarthingError('configuration', `${path}: ${reasons[code] ?? `cannot be read (${code})`}`, { cause });
  }
}

/**
 * Takes a text for what it is: a request body where it is one, else a text.
 * @param asked - what the user says it is; undefined: found out.
 * @throws FarthingError `configuration` where it is said to be a request and is none.
 * @internal
 */
export function tokenInput(name: string, text: string, asked: TokenInputKind | undefined): TokenInput {
  if (asked === 'text') return { kind: 'text', text };
  const body = requestBody(text);
  const kind = asked ?? (body === undefined ? 'text' : kindOf(body));
  if (kind === 'text') return { kind, text };
  if (body === undefined) throw new FarthingError('configuration', `${name}: is not a request: not a JSON object`);
  return promptFrom(name, kind, text);
}

/** Many files have an `input`: only one that names its model as well is taken for a request. */
function kindOf(body: JsonObject): TokenInputKind {
  const endpoint = endpointOfBody(body);
  return endpoint === undefined || (endpoint === 'responses' && body['model'] === undefined) ? 'text' : endpoint;
}

function promptFrom(name: string, kind: Exclude<TokenInputKind, 'text'>, text: string): TokenInput {
  try {
    return { kind, own: readOwnRequest(kind, text) };
  } catch (cause) {
    if (!(cause instanceof FarthingError)) throw cause;
    throw new FarthingError('configuration', `${name}: is not a ${kind} request: ${cause.message}`, { cause });
  }
}
