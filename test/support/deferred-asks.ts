import { expect } from 'vitest';
import { chatBody, messagesBody } from './deadline-stage.ts';

/** Whoever asks a gateway. */
export interface Asker {
  ask(path: string, init?: RequestInit): Promise<Response>;
}

type Fields = Readonly<Record<string, unknown>>;

/** Batches are looked at every five seconds, on a machine that may be busy. */
export const PATIENCE = { timeout: 25_000, interval: 100 } as const;

/** The JSON of a reply. */
export async function fieldsOf(response: Response): Promise<Fields> {
  return (await response.json()) as Fields;
}

/** A call that may wait for a batch and for nothing else: Anthropic has no flex tier. */
export function post(asker: Asker, text: string, headers: Record<string, string>): Promise<Response> {
  return asker.ask('/v1/messages', { method: 'POST', headers, body: messagesBody(text) });
}

/** A streamed one. */
export function postStream(asker: Asker, text: string, headers: Record<string, string>): Promise<Response> {
  const body = chatBody(text).replace('{', '{"stream":true,');
  return asker.ask('/v1/chat/completions', { method: 'POST', headers, body });
}

/** A call that waits; its id. */
export async function accepted(asker: Asker, text: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await post(asker, text, { 'x-farthing-deadline': '6h', ...headers });
  expect(response.status).toBe(202);
  return String((await fieldsOf(response))['id']);
}

/** A call's record, as soon as it is answered. */
export async function answered(asker: Asker, callId: string): Promise<Fields> {
  let found: Fields = {};
  await expect
    .poll(async () => {
      const response = await asker.ask(`/v1/farthing/calls/${callId}`);
      found = await fieldsOf(response);
      return response.status;
    }, PATIENCE)
    .toBe(200);
  return found;
}
