import { expect, test } from 'vitest';
import { FarthingError } from '../core/errors.ts';
import { callRecord } from '../../test/gateway/gateway-fixture.ts';
import { gatewayEvents } from './gateway-events.ts';
import { gatewayLog } from './gateway-log.ts';
import { GatewayMetrics } from './gateway-metrics.ts';

function logged(
  write: (log: ReturnType<typeof gatewayLog>) => void,
  level: 'info' | 'debug' = 'info',
): readonly string[] {
  const lines: string[] = [];
  write(gatewayLog(level, { write: (line) => void lines.push(line) }));
  return lines;
}

test('fields that could carry a secret are cut out', () => {
  const fields = {
    authorization: 'canary',
    apiKey: 'canary',
    headers: { a: 'canary' },
    provider: { key: 'canary', secret: 'canary' },
  };
  const [line = ''] = logged((log) => log.info(fields, 'x'));
  expect(line).not.toContain('canary');
  expect(line.match(/cut out/g)).toHaveLength(5);
});

test('of an error that is not ours only name, code and place are kept, and those of its causes', () => {
  const cause = Object.assign(new SyntaxError('canary in "prompt"'), { code: 'E_CAUSE' });
  const error = new Error('canary', { cause });
  const [line = ''] = logged((log) => log.error({ error }, 'fault'));
  expect(line).not.toContain('canary');
  expect(JSON.parse(line)).toMatchObject({ error: { name: 'Error', cause: { name: 'SyntaxError', code: 'E_CAUSE' } } });
  expect(line).toContain('gateway-log.test.ts');
});

test('a text that looks like a place is not taken for one', () => {
  const error = new Error('no JSON: "\n    at canary"');
  const [line = ''] = logged((log) => log.error({ error }, 'fault'));
  expect(line).not.toContain('canary');
  expect(line).toContain('gateway-log.test.ts');
  error.message = 'another';
  expect(logged((log) => log.error({ error }, 'fault'))[0]).not.toContain('canary');
});

test('an error of ours keeps its text, which never holds a prompt or a key', () => {
  const [line = ''] = logged((log) => log.error({ error: new FarthingError('overloaded', 'too many calls') }, 'fault'));
  expect(JSON.parse(line)).toMatchObject({ error: { code: 'overloaded', message: 'too many calls' } });
});

test('calls are logged at level debug alone, and then without their tags', () => {
  const metrics = new GatewayMetrics({ inFlight: () => 0, cache: () => ({ entries: 0, sizeBytes: 0 }) });
  const event = { kind: 'call-finished', record: callRecord({ tags: { user: 'canary' } }) } as const;
  const at = (level: 'info' | 'debug'): readonly string[] =>
    logged((log) => gatewayEvents(metrics, log, undefined).emit(event), level);
  expect(at('info')).toEqual([]);
  const [line = ''] = at('debug');
  metrics.close();
  expect(JSON.parse(line)).toMatchObject({ callId: 'call_1', outcome: 'complete' });
  expect(line).not.toContain('canary');
});

test('counters that are built are warned of, but for those of a first start', () => {
  const metrics = new GatewayMetrics({ inFlight: () => 0, cache: () => ({ entries: 0, sizeBytes: 0 }) });
  const built = (isFirst: boolean): readonly string[] =>
    logged((log) =>
      gatewayEvents(metrics, log, undefined).emit({ kind: 'budgets-rebuilt', isReady: true, generation: 'g', isFirst }),
    );
  expect(built(true)).toEqual([]);
  expect(built(false)).toHaveLength(1);
  metrics.close();
});

test('a broken disk fills the metrics and not the log', async () => {
  const metrics = new GatewayMetrics({ inFlight: () => 0, cache: () => ({ entries: 0, sizeBytes: 0 }) });
  const lines = logged((log) => {
    const events = gatewayEvents(metrics, log, undefined);
    for (let index = 0; index < 1000; index += 1) {
      events.emit({ kind: 'store-failed', store: 'cache', operation: 'read', error: new Error('x') });
    }
  });
  const { text } = await metrics.exposition();
  metrics.close();
  expect(text).toContain('farthing_store_faults_total{store="cache",operation="read"} 1000');
  expect(lines.length).toBeLessThanOrEqual(20); // ten a second, and a second may end meanwhile
});
