import { onTestFinished } from 'vitest';
import type { CacheMode } from '../../src/core/cacheability.ts';
import { type SimulatedProvider, startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import type { Face, FaceOptions } from './gateway-stack.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

/** A client of a test and the same client without Farthing in between, each before a simulated provider of the same seed. */
export interface ClientPair<Client> {
  readonly face: Face;
  readonly client: Client;
  /** The one that goes through Farthing. */
  readonly upstream: SimulatedProvider;
  readonly direct: Client;
}

/** Where a client is pointed to. */
export type Place = Pick<Face, 'openaiBaseUrl' | 'anthropicBaseUrl' | 'apiKey' | 'fetch'>;

export async function startClientPair<Client>(
  startFace: (options: FaceOptions) => Promise<Face>,
  makeClient: (place: Place) => Client,
  options: { readonly mode?: CacheMode; readonly latencyRatio?: number } = {},
): Promise<ClientPair<Client>> {
  const { latencyRatio = 0, ...faceOptions } = options;
  const [upstream, reference] = await Promise.all(
    [1, 2].map(() => startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio })),
  );
  if (upstream === undefined || reference === undefined) throw new Error('no simulated provider');
  onTestFinished(async () => {
    await upstream.close();
    await reference.close();
  });
  const face = await startFace({ origin: upstream.origin, ...faceOptions });
  const direct: Place = {
    openaiBaseUrl: `${reference.origin}/v1`,
    anthropicBaseUrl: reference.origin,
    apiKey: 'sk-simulated',
    fetch: globalThis.fetch,
  };
  return { face, upstream, client: makeClient(face), direct: makeClient(direct) };
}
