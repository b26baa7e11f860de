import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { FarthingError } from '../../core/errors.ts';
import type { GatewayContext } from '../gateway-context.ts';

/** For how long the ledger may take to say that it can be written, in milliseconds. */
const LEDGER_CHECK_MS = 1000;

/**
 * `/healthz`: the process runs. `/readyz`: it takes calls, that is, the ledger can be written, and the gateway is neither stopping nor
 * refusing calls under strain.
 * `/metrics`: Prometheus, of all workers together.
 * @internal
 */
export function healthRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get('/healthz', { config: { access: 'open', metering: 'none' } }, async () => ({ status: 'ok' }));

  app.get('/readyz', { config: { access: 'open', metering: 'none' } }, async () => {
    if (context.admission.isDraining) throw new FarthingError('overloaded', 'the gateway is stopping');
    if (context.admission.isShedding) throw new FarthingError('overloaded', 'the gateway is overloaded');
    await checkLedger(context);
    return { status: 'ready' };
  });

  app.get('/metrics', { config: { access: 'operator', metering: 'none' } }, async (_request, reply) => {
    const { contentType, text } = await context.metrics.exposition(await context.workers?.report());
    return reply.type(contentType).send(text);
  });
}

async function checkLedger(context: GatewayContext): Promise<void> {
  const timer = new AbortController();
  const late = setTimeout(LEDGER_CHECK_MS, undefined, { ref: false, signal: timer.signal }).then(() => {
    throw new Error('no answer');
  });
  try {
    await Promise.race([context.checkLedger(), late]);
  } catch (error) {
    throw new FarthingError('store-unavailable', 'the ledger cannot be written', { cause: error });
  } finally {
    timer.abort();
    late.catch(() => undefined); // the timer's own end, which nobody waits for
  }
}
