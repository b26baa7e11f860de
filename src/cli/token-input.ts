import { readFile } from 'node:fs/promises';
import { FarthingError } from '../core/errors.ts';
import type { Endpoint } from '../core/model/protocol.ts';
import type { Prompt } from '../core/model/prompt.ts';
import { decodeRequest } from '../wire/decode-request.ts';
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from '../wire/json-limits.ts';
import { promptOf } from '../wire/prompt/prompt-of.ts';
import { isObject, type JsonObject } from '../wire/request-guards.ts';

/** What a file may be said to hold. @internal */
export const TOKEN_INPUT_KINDS = ['text', 'chat', 'responses', 'messages'] as const;

/** @internal */
export type TokenInputKind = (typeof TOKEN_INPUT_KINDS)[number];

/** What a file holds: a text as it stands, or a request of an endpoint as a prompt. @internal */
export type TokenInput =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: Exclude<TokenInputKind, 'text'>;
      readonly prompt: Prompt;
      /** As the request says it. */
      readonly model: string | undefined;
    };

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
  const kind = asked ?? (body === undefined ? 'text' : endpointOf(body));
  if (kind === 'text') return { kind, text };
  if (body === undefined) throw new FarthingError('configuration', `${name}: is not a request: not a JSON object`);
  const model = typeof body['model'] === 'string' && body['model'] !== '' ? body['model'] : undefined;
  return { kind, prompt: promptFrom(name, kind, text, body, model), model };
}

function promptFrom(
  name: string,
  kind: Exclude<TokenInputKind, 'text'>,
  text: string,
  body: JsonObject,
  model: string | undefined,
): Prompt {
  // A prompt needs no output limit, which `messages` would ask for.
  const endpoint: Endpoint = kind === 'messages' ? 'count-tokens' : kind;
  const written = model === undefined ? JSON.stringify({ ...body, model: 'any' }) : text;
  try {
    const found = promptOf(decodeRequest(endpoint, Buffer.from(written), WIDE_LIMITS));
    if (found !== undefined) return found.prompt;
  } catch (cause) {
    if (!(cause instanceof FarthingError)) throw cause;
    throw new FarthingError('configuration', `${name}: is not a ${kind} request: ${cause.message}`, { cause });
  }
  throw new FarthingError('configuration', `${name}: has no prompt`);
}

/** A file of one's own may be larger than what strangers may send, but no deeper. */
const WIDE_LIMITS: RequestLimits = {
  ...DEFAULT_REQUEST_LIMITS,
  maxMessages: Infinity,
  maxContainers: Infinity,
  maxObjectKeys: Infinity,
};

function requestBody(text: string): JsonObject | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Anthropic's requests have the system prompt beside the messages, schemas under their own name, and always a limit. */
function endpointOf(body: JsonObject): TokenInputKind {
  if (Array.isArray(body['messages'])) {
    const tools: readonly unknown[] = Array.isArray(body['tools']) ? body['tools'] : [];
    const isAnthropic =
      body['system'] !== undefined ||
      tools.some((tool) => isObject(tool) && tool['input_schema'] !== undefined) ||
      /(?:^|\/)claude-/.test(String(body['model']));
    return isAnthropic ? 'messages' : 'chat';
  }
  const isResponses =
    typeof body['input'] === 'string' || Array.isArray(body['input']) || body['instructions'] !== undefined;
  return isResponses && body['model'] !== undefined ? 'responses' : 'text';
}
