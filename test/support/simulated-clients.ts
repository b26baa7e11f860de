import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import {
  startSimulatedProvider,
  type SimulatedProvider,
  type SimulatedProviderOptions,
} from '../../src/simulator/simulated-provider.ts';
import { SIMULATED_PRICES } from './simulated-prices.ts';

/** A simulated provider without latency and the official clients that talk to it. */
export interface SimulatedClients {
  readonly provider: SimulatedProvider;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
}

export async function startSimulatedClients(
  options: Partial<SimulatedProviderOptions> = {},
): Promise<SimulatedClients> {
  const provider = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0, ...options });
  return {
    provider,
    openai: new OpenAI({ baseURL: `${provider.origin}/v1`, apiKey: 'sk-simulated', maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: provider.origin, apiKey: 'sk-simulated', maxRetries: 0 }),
  };
}

export const QUESTION: { role: 'user'; content: string } = { role: 'user', content: 'Where is my parcel?' };

/** A schema as every client takes it. */
interface ObjectSchema {
  [keyword: string]: unknown;
  type: 'object';
  properties: Record<string, { type: 'string' | 'integer'; minimum?: number; maximum?: number }>;
  required: string[];
}

export const WEATHER: ObjectSchema = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
  required: ['city'],
};
