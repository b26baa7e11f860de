import { Buffer } from 'node:buffer';
import type { Provider } from '../../src/ports/provider.ts';

/** What a provider replied. */
export interface ProviderReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly text: string;
  /** The body where it is JSON, else empty. */
  readonly json: ReplyFields;
}

/** The fields of replies that tests look at; each reply has some of them. */
interface ReplyFields {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly deleted: boolean;
  readonly service_tier: string;
  readonly data: readonly { readonly id: string }[];
  readonly last_id: string;
  readonly has_more: boolean;
  readonly output_file_id: string;
  readonly error_file_id: string;
  readonly errors: { readonly data: readonly unknown[] };
  readonly error: { readonly type: string; readonly message: string };
  readonly request_counts: Readonly<Record<'completed' | 'failed' | 'succeeded' | 'errored', number>>;
  readonly usage: Readonly<Record<'input_tokens' | 'output_tokens' | 'prompt_tokens' | 'completion_tokens', number>>;
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

/** What is asked of a provider beside method and path. */
export interface AskedMore {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly keyIndex?: number;
}

/** Asks a provider and reads its whole reply. */
export function askProvider(
  provider: Provider,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, headers = {}, keyIndex }: AskedMore = {},
): Promise<ProviderReply> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let head: ProviderReply['headers'] = {};
    const chunks: Uint8Array[] = [];
    const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body ?? null));
    const request = {
      method,
      path,
      headers: { 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : bytes,
      signal: new AbortController().signal,
      idleTimeoutMs: 10_000,
      headTimeoutMs: 10_000,
      keyIndex,
    };
    provider.send(request, {
      onHead: (code, seen) => {
        status = code;
        head = seen;
      },
      onData: (chunk) => {
        chunks.push(chunk);
        return true;
      },
      onEnd: () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = head['content-type'] === 'application/json';
        resolve({ status, headers: head, text, json: (isJson ? JSON.parse(text) : {}) as ReplyFields });
      },
      onError: reject,
    });
  });
}

/** A multipart form with a file of lines, as clients upload it. */
export function uploadForm(lines: readonly string[], filename = 'rows.jsonl'): AskedMore {
  const boundary = 'a-boundary';
  const field = `--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n`;
  const file = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: application/jsonl\r\n\r\n`;
  return {
    body: `${field}${file}${lines.join('\n')}\n\r\n--${boundary}--\r\n`,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  };
}
