import { describe, expect, test } from 'vitest';
import { CollectingSink } from '../../src/client/collecting-sink.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';
import { ENDPOINTS } from '../../src/core/model/protocol.ts';
import { shippedPriceBook } from '../../src/core/price-book-shipped.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine-request.ts';
import { systemClock } from '../../src/engine/system-ports.ts';
import { MemoryLedger } from '../../src/stores/memory-ledger/memory-ledger.ts';
import { MemoryCacheStore } from '../../src/stores/memory/memory-cache-store.ts';
import { mutatedBody, SECRET } from '../support/mutated-bodies.ts';
import { refusalFault } from '../support/refusal-fault.ts';
import { scriptedProvider } from '../support/scripted-provider.ts';

const MUTATIONS = 10_000;
const CALLER = { project: 'fuzz', keyId: 'local' };

interface Stack {
  readonly engine: Engine;
  readonly ledger: MemoryLedger;
  readonly sent: Uint8Array[];
  readonly internal: unknown[];
}

function startStack(): Stack {
  const sent: Uint8Array[] = [];
  const internal: unknown[] = [];
  const ledger = new MemoryLedger({ maxRows: MUTATIONS * 2 });
  const engine = createEngine({
    providers: (['openai', 'anthropic'] as const).map((protocol) => ({
      provider: scriptedProvider(protocol, protocol, sent),
      vendor: protocol,
      identity: `https://${protocol}.example`,
    })),
    priceBook: shippedPriceBook(),
    cache: { store: new MemoryCacheStore({ clock: systemClock }), mode: 'all', ttlMs: 60_000 },
    ledger,
    ownerId: 'fuzz',
    events: {
      emit: (event) => {
        if (event.kind === 'internal-fault' || event.kind === 'store-failed') internal.push(event.error);
      },
    },
  });
  return { engine, ledger, sent, internal };
}

async function ask(stack: Stack, endpoint: Endpoint, body: Uint8Array): Promise<CollectingSink> {
  const sink = new CollectingSink();
  const signal = new AbortController().signal;
  await stack.engine.handle({ endpoint, body, headers: {}, caller: CALLER, signal }, sink);
  return sink;
}

describe.each(Object.keys(ENDPOINTS) as Endpoint[])('%s', (endpoint) => {
  test(
    `${MUTATIONS} mutated bodies: served, or refused by name, unforwarded and uncharged`,
    { timeout: 60_000 },
    async () => {
      const stack = startStack();
      const faults: string[] = [];
      const refused: string[] = [];
      let served = 0;
      for (let seed = 1; seed <= MUTATIONS; seed += 1) {
        const before = stack.sent.length;
        const sink = await ask(stack, endpoint, mutatedBody(endpoint, seed));
        const text = sink.text();
        if (sink.status === 200) {
          served += 1;
          continue;
        }
        const fault = refusalFault(endpoint, sink.status, text);
        if (fault !== undefined) faults.push(`seed ${seed}: ${fault}`);
        if (text.includes(SECRET)) faults.push(`seed ${seed}: quotes content`);
        if (stack.sent.length !== before) faults.push(`seed ${seed}: was forwarded`);
        refused.push(sink.headers['x-farthing-request-id'] ?? '');
      }
      expect(faults).toEqual([]);
      expect(stack.internal).toEqual([]);
      expect(served).toBeGreaterThan(MUTATIONS / 20);
      expect(refused.length).toBeGreaterThan(MUTATIONS / 4);
      const charged = new Set<string>();
      for await (const { callId } of stack.ledger.charges({})) charged.add(callId);
      expect(refused.filter((callId) => charged.has(callId))).toEqual([]);
      expect(charged.size).toBe(stack.sent.length);
      expect(await stack.ledger.openIntents()).toEqual([]);
    },
  );
});
