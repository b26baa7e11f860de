import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, onTestFinished } from 'vitest';
import { parseUsd } from '../../src/core/money.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import type { BudgetStage, Door, StageKind } from './budget-stage.ts';
import { sumOf } from './charges-of.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

/** About half of what a call costs: about half of the calls go through. */
const LIMIT_USD_A_CALL = 0.00042;
const MAX_TOKENS = 200;

/** A refusal as it went over the wire. */
interface Refusal {
  readonly url: string;
  readonly status: number;
  readonly retryAfter: string | null;
  readonly shouldRetry: string | null;
  readonly body: unknown;
}

/** Notes what clients are refused with, also where they try again by themselves. */
function noting(fetch: typeof globalThis.fetch, refusals: Refusal[]): typeof globalThis.fetch {
  return async (input, init) => {
    const reply = await fetch(input, init);
    if (reply.ok) return reply;
    const { headers, status } = reply;
    refusals.push({
      url: input instanceof Request ? input.url : input.toString(),
      status,
      retryAfter: headers.get('retry-after'),
      shouldRetry: headers.get('x-should-retry'),
      body: await reply.clone().json(),
    });
    return reply;
  };
}

/** The official clients at one door. They wait as `retry-after` says and try again. */
function clientsAt({ baseUrl, fetch }: Door, refusals: Refusal[]): { openai: OpenAI; anthropic: Anthropic } {
  const options = { apiKey: 'test', fetch: noting(fetch, refusals), maxRetries: 100 };
  return {
    openai: new OpenAI({ ...options, baseURL: `${baseUrl}/v1` }),
    anthropic: new Anthropic({ ...options, baseURL: baseUrl }),
  };
}

/** Whether the call was answered; false when it was refused for good. */
async function makeCall({ openai, anthropic }: ReturnType<typeof clientsAt>, number: number): Promise<boolean> {
  // Most answers are as long as they may be; the others take far less than what is held for them.
  const content = `Question number ${number}${number % 4 === 0 ? '' : ', in detail'}`;
  const messages = [{ role: 'user' as const, content }];
  const isStream = number % 2 === 1;
  try {
    if (number % 3 === 2) {
      const call = { model: 'claude-haiku-4-5', max_tokens: MAX_TOKENS, messages };
      if (isStream) await anthropic.messages.stream(call).finalMessage();
      else await anthropic.messages.create(call);
      return true;
    }
    const call = { model: 'gpt-5.4-mini', max_completion_tokens: MAX_TOKENS, messages };
    if (!isStream) await openai.chat.completions.create(call);
    else
      for await (const chunk of await openai.chat.completions.create({ ...call, stream: true }))
        expect(chunk.id).toBeTruthy();
    return true;
  } catch (error) {
    if (error instanceof OpenAI.APIError || error instanceof Anthropic.APIError) {
      if (error.status === 402) return false;
    }
    throw error;
  }
}

/** Looks again and again at everything that must never pass the limit, until it is told to stop; gives the number of looks. */
function watch(stage: BudgetStage, upstream: SimulatedProvider, limit: bigint): () => Promise<number> {
  const watched = { isOver: false, looks: 0 };
  const watching = (async () => {
    while (!watched.isOver) {
      /* oxlint-disable no-await-in-loop -- one look after the other */
      // Where the machine is too busy to ask the counters in time, there is nothing to look at.
      const { usedNanoUsd, heldNanoUsd } = await stage.figures().catch(() => ({ usedNanoUsd: 0, heldNanoUsd: 0 }));
      expect(BigInt(usedNanoUsd + heldNanoUsd)).toBeLessThanOrEqual(limit);
      expect(sumOf(await stage.charges())).toBeLessThanOrEqual(limit);
      expect(upstream.invoice().totalNanoUsd).toBeLessThanOrEqual(limit);
      watched.looks += 1;
      await new Promise((resolve) => void setTimeout(resolve, 300));
      /* oxlint-enable no-await-in-loop */
    }
  })();
  return async () => {
    watched.isOver = true;
    await watching;
    return watched.looks;
  };
}

function checkRefusal({ url, status, retryAfter, shouldRetry, body }: Refusal): void {
  const isAnthropic = url.endsWith('/messages');
  if (status === 402) {
    expect([shouldRetry, retryAfter]).toEqual(['false', null]);
    const told = { message: expect.stringMatching(/the budget "everything" is spent.*does not reset/) };
    expect(body).toMatchObject(
      isAnthropic
        ? { type: 'error', error: { type: 'billing_error', ...told }, request_id: expect.any(String) }
        : { error: { type: 'insufficient_quota', code: 'budget_spent', param: null, ...told } },
    );
    return;
  }
  if (status === 503) {
    // On a machine that is too busy to ask in time; clients come again.
    expect(retryAfter).toBe('1');
    return;
  }
  expect([status, body]).toEqual([429, expect.anything()]);
  expect([shouldRetry, retryAfter]).toEqual([null, '1']);
  const told = { type: 'rate_limit_error', message: expect.stringContaining('the budget "everything" has no room') };
  expect(body).toMatchObject(isAnthropic ? { type: 'error', error: told } : { error: told });
}

/**
 * Makes so many calls at once under one hard budget of what half of them cost, by the official clients, and holds what they spend to the limit and to the bill.
 */
export async function holdOverspend(calls: number, start: StageKind['start']): Promise<void> {
  const limitUsd = (calls * LIMIT_USD_A_CALL).toFixed(4);
  const limit = BigInt(parseUsd(limitUsd));
  const upstream = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0.1 });
  onTestFinished(() => upstream.close());
  const stage = await start(upstream.origin, { limitUsd, budgetWaitMs: 300 });
  onTestFinished(() => stage.close());
  const stop = watch(stage, upstream, limit);
  const refusals: Refusal[] = [];
  const clients = stage.doors.map((door) => clientsAt(door, refusals));
  const answered = await Promise.all(
    Array.from({ length: calls }, (_, number) => {
      const client = clients[number % clients.length];
      if (client === undefined) throw new Error('a stage has a door');
      return makeCall(client, number);
    }),
  );
  expect(await stop()).toBeGreaterThan(1);

  const charges = await stage.charges();
  const spent = sumOf(charges);
  expect(spent).toBe(upstream.invoice().totalNanoUsd);
  expect(spent).toBeLessThanOrEqual(limit);
  expect(spent).toBeGreaterThanOrEqual((limit * 95n) / 100n);
  expect(charges).toHaveLength(answered.filter(Boolean).length);
  const statuses = refusals.map(({ status }) => status);
  expect(statuses.filter((status) => status === 402)).toHaveLength(answered.filter((isAnswered) => !isAnswered).length);
  expect(statuses).toContain(429);
  for (const refusal of refusals) checkRefusal(refusal);
  await expect
    .poll(() => stage.figures(), { timeout: 10_000 })
    .toMatchObject({ usedNanoUsd: Number(spent), heldNanoUsd: 0 });
  expect(await stage.drift()).toBe('');
}
