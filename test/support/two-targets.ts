import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import {
  type FaultyUpstream,
  type FaultyUpstreamOptions,
  startFaultyUpstream,
} from '../../src/testing/faulty-upstream.ts';
import { ask, type AskedCall, type Seen } from './asked-calls.ts';
import { CALM, startGatewayFace } from './gateway-stack.ts';

/** A gateway before one or two upstreams that fail. */
export interface FaultStage {
  readonly baseUrl: string;
  /** In the order in which they are tried. */
  readonly upstreams: readonly FaultyUpstream[];
  /** Makes a call at all of the targets; tells how its client saw the reply, and for how long it took. */
  call(call: AskedCall): Promise<Seen & { readonly tookMs: number }>;
  /** Requests that all upstreams have got. */
  attempts(): number;
}

const MODELS: Readonly<Record<Endpoint, string>> = {
  chat: 'gpt-5.4-mini',
  responses: 'gpt-5.4-mini',
  embeddings: 'text-embedding-3-small',
  messages: 'claude-haiku-4-5',
  'count-tokens': 'claude-haiku-4-5',
};

/** Starts one; each of `upstreams` is one target of every model. */
export async function startFaultStage(
  upstreams: readonly FaultyUpstreamOptions[],
  resilience: Readonly<Record<string, unknown>> = {},
): Promise<FaultStage> {
  const started = await Promise.all(upstreams.map((options) => startFaultyUpstream(options)));
  onTestFinished(async () => {
    await Promise.all(started.map((upstream) => upstream.close()));
  });
  const providers = started.flatMap(({ origin }, index) => [
    [`openai-${index}`, { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'test' }],
    [`anthropic-${index}`, { protocol: 'anthropic', vendor: 'anthropic', baseUrl: origin, apiKey: 'test' }],
  ]);
  const models = [...new Set(Object.values(MODELS))].map((model) => {
    const protocol = model.startsWith('claude') ? 'anthropic' : 'openai';
    return [`all-${model}`, { targets: started.map((_, index) => `${protocol}-${index}/${model}`) }];
  });
  const config = {
    providers: Object.fromEntries(providers) as unknown,
    models: Object.fromEntries(models) as unknown,
    auth: 'none',
    keys: [],
    limits: CALM,
    resilience,
  };
  const { anthropicBaseUrl: baseUrl } = await startGatewayFace({ origin: '', config });
  return {
    baseUrl,
    upstreams: started,
    async call(call) {
      const startMs = performance.now();
      const seen = await ask(baseUrl, { model: `all-${MODELS[call.endpoint]}`, ...call });
      return { ...seen, tookMs: performance.now() - startMs };
    },
    attempts: () => started.reduce((sum, upstream) => sum + upstream.counters().requests, 0),
  };
}

/** Makes calls, so many at a time, and gives what `make` made of each, in the order of the calls. */
export async function atATime<Made>(
  count: number,
  width: number,
  make: (number: number) => Promise<Made>,
): Promise<readonly Made[]> {
  const made: Made[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      // oxlint-disable-next-line no-await-in-loop -- a caller makes one call after the other
      made[number] = await make(number);
    }
  };
  await Promise.all(Array.from({ length: width }, caller));
  return made;
}
