import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';

/** What is wrong with a refusal: it must be a 4xx in the protocol's shape that names the fault. Undefined when nothing is. */
export function refusalFault(endpoint: Endpoint, status: number, body: string): string | undefined {
  if (status < 400 || status > 499) return `status ${status}: ${body}`;
  const told: unknown = parsed(body);
  const error = fieldOf(told, 'error');
  const message = fieldOf(error, 'message');
  if (typeof message !== 'string' || message.length < 10) return `no message: ${body}`;
  if (typeof fieldOf(error, 'type') !== 'string') return `no type: ${body}`;
  const isAnthropic = ENDPOINTS[endpoint].protocol === 'anthropic';
  if (isAnthropic !== (fieldOf(told, 'type') === 'error')) return `the other protocol's shape: ${body}`;
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON has no fields, which is what is reported
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
