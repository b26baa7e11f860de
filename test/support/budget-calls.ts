import { parseUsd } from '../../src/core/money.ts';
import { PROCESS_ADMIN_KEY } from './gateway-process.ts';

/** A call of the tests of budgets. */
export interface BudgetCall {
  readonly content: string;
  /** @defaultValue 'openai' */
  readonly protocol?: 'openai' | 'anthropic';
  readonly isStream?: boolean;
  /** @defaultValue the cheap model of the protocol */
  readonly model?: string;
  readonly maxTokens?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** How a call ended. */
export interface CallEnd {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Whether the answer came to its end. */
  readonly isWhole: boolean;
  readonly callId: string;
}

const MODELS = { openai: 'gpt-5.4-mini', anthropic: 'claude-haiku-4-5' } as const;
const PATHS = { openai: '/v1/chat/completions', anthropic: '/v1/messages' } as const;
const LAST_EVENTS = { openai: 'data: [DONE]', anthropic: 'event: message_stop' } as const;

/** The request of a call, for `fetch`. */
export function requestOf(call: BudgetCall): readonly [path: string, init: RequestInit] {
  const { content, protocol = 'openai', isStream = false, maxTokens = 40, headers = {}, signal } = call;
  const limit = protocol === 'openai' ? { max_completion_tokens: maxTokens } : { max_tokens: maxTokens };
  const body = JSON.stringify({
    model: call.model ?? MODELS[protocol],
    ...limit,
    stream: isStream,
    messages: [{ role: 'user', content }],
  });
  const own = { 'content-type': 'application/json', authorization: 'Bearer test', 'x-api-key': 'test', ...headers };
  return [PATHS[protocol], { method: 'POST', headers: own, body, signal: signal ?? null }];
}

/** Makes one call and reads it to its end. Rejects when the connection breaks. */
export async function makeCall(
  baseUrl: string,
  call: BudgetCall,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<CallEnd> {
  const { protocol = 'openai', isStream = false } = call;
  const [path, init] = requestOf(call);
  const reply = await fetch(`${baseUrl}${path}`, init);
  const text = await reply.text();
  const isWhole = isStream ? text.includes(LAST_EVENTS[protocol]) : text.trimEnd().endsWith('}');
  return {
    status: reply.status,
    headers: reply.headers,
    text,
    isWhole: reply.status === 200 && isWhole,
    callId: reply.headers.get('x-farthing-request-id') ?? '',
  };
}

/** What an account of a budget has used and what is held of it. */
export interface Figures {
  readonly limitNanoUsd: number;
  readonly usedNanoUsd: number;
  readonly heldNanoUsd: number;
}

interface ListedBudgets {
  readonly budgets: readonly {
    readonly name: string;
    readonly limitUsd: string;
    readonly accounts: readonly { readonly usedUsd: string; readonly heldUsd: string }[];
  }[];
}

/** What the admin API says of a budget, all its accounts together. */
export async function figuresOf(url: string, name = 'everything'): Promise<Figures> {
  const reply = await globalThis.fetch(`${url}/admin/v1/budgets?name=${name}&limit=1000`, {
    headers: { authorization: `Bearer ${PROCESS_ADMIN_KEY}` },
  });
  if (reply.status !== 200) throw new Error(`budgets cannot be listed: ${reply.status} ${await reply.text()}`);
  const { budgets } = (await reply.json()) as ListedBudgets;
  const [budget] = budgets;
  if (budget === undefined) throw new Error(`there is no budget ${name}`);
  return {
    limitNanoUsd: parseUsd(budget.limitUsd),
    usedNanoUsd: budget.accounts.reduce((sum, { usedUsd }) => sum + parseUsd(usedUsd), 0),
    heldNanoUsd: budget.accounts.reduce((sum, { heldUsd }) => sum + parseUsd(heldUsd), 0),
  };
}

/** A hard budget on everything, as the configuration has it. */
export function hardBudget(limitUsd: string): Readonly<Record<string, unknown>> {
  return { name: 'everything', scope: 'all', limitUsd, window: 'total', mode: 'hard' };
}
