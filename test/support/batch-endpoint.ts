import { createServer, type IncomingHttpHeaders } from 'node:http';
import { onTestFinished } from 'vitest';
import { systemRandom } from '../../src/engine/system-ports.ts';
import type { Protocol } from '../../src/core/model/protocol.ts';
import type { BatchLine, BatchShipment } from '../../src/ports/batch-api.ts';
import type { Provider } from '../../src/ports/provider.ts';
import { undiciProvider } from '../../src/providers/undici/undici-provider.ts';
import { closeServer, listenOnLoopback } from '../../src/simulator/loopback-server.ts';

/** A request as the server got it. */
export interface EndpointRequest {
  /** `POST /v1/files`. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a server answers: an object is sent as JSON; `lost` resets the connection. */
export type EndpointAnswer =
  | 'lost'
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string | object };

/** A key that a test's provider has, for what quotes it. */
export const ENDPOINT_KEY = 'sk-test-0123456789abcdefghij';

/** A server that answers by a rule, the provider that reaches it, and what it was asked. */
export async function batchEndpoint(
  protocol: Protocol,
  answer: (request: EndpointRequest) => EndpointAnswer,
): Promise<{ readonly provider: Provider; readonly requests: readonly EndpointRequest[] }> {
  const requests: EndpointRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method, url, headers } = incoming;
      const request = { line: `${method} ${url}`, headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      const answered = answer(request);
      if (answered === 'lost') {
        incoming.socket.destroy();
        return;
      }
      const { body } = answered;
      outgoing.writeHead(answered.status ?? 200, answered.headers ?? {});
      outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  const origin = await listenOnLoopback(server);
  onTestFinished(() => closeServer(server));
  return { provider: endpointProvider(protocol, origin), requests };
}

/** A provider with one key at an address. */
export function endpointProvider(protocol: Protocol, origin: string): Provider {
  const provider = undiciProvider({
    name: protocol,
    protocol,
    baseUrl: protocol === 'openai' ? `${origin}/v1` : origin,
    apiKeys: [{ key: ENDPOINT_KEY }],
    random: systemRandom,
  });
  onTestFinished(() => provider.close());
  return provider;
}

/** A shipment of lines. */
export function shipmentOf(lines: readonly BatchLine[], changes: Partial<BatchShipment> = {}): BatchShipment {
  return {
    batchId: 'fb_0123456789abcdef',
    endpoint: 'chat',
    headers: {},
    keyIndex: undefined,
    requests: lines.length,
    lines: async function* (): AsyncGenerator<BatchLine> {
      yield* lines;
    },
    ...changes,
  };
}
