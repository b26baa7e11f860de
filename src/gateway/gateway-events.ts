import type { Logger } from 'pino';
import type { BudgetAlert } from '../core/budget/budget-alert.ts';
import type { CallRecord } from '../core/model/charge.ts';
import { formatUsd } from '../core/money.ts';
import type { EngineEvent, EventSink } from '../ports/event-sink.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';

/** Log lines of one kind that are written within a second; more are counted in the metrics alone. */
const LINES_PER_SECOND = 10;

/**
 * Feeds metrics and log from the engine's events, and hands alerts of budgets on. Calls are logged only at level `debug`, and then without tags (they name people);
 * faults are logged at most so many times a second, since a broken disk fails every call.
 * @internal
 */
export function gatewayEvents(
  metrics: GatewayMetrics,
  log: Logger,
  onRecord: ((record: CallRecord) => void) | undefined,
  onAlert?: (alert: BudgetAlert) => void,
): EventSink {
  const mayLog = lineLimit();
  return {
    emit(event) {
      metrics.emit(event);
      switch (event.kind) {
        case 'call-finished':
          onRecord?.(event.record);
          if (log.isLevelEnabled('debug')) logCall(log, event.record);
          return;
        case 'store-failed':
          if (mayLog())
            log.error({ store: event.store, operation: event.operation, error: event.error }, 'store failed');
          return;
        case 'internal-fault':
          if (mayLog()) log.error({ callId: event.callId, error: event.error }, 'internal fault');
          return;
        case 'unpriced-charged':
        case 'usage-missing':
          if (mayLog()) log.warn({ callId: event.callId, target: event.target }, event.kind);
          return;
        case 'attempt-failed':
        case 'target-rested':
        case 'target-recovered':
        case 'tokens-estimated':
          logTarget(log, event, mayLog);
          return;
        case 'budget-alert':
          onAlert?.(event.alert);
          if (mayLog()) logAlert(log, event.alert);
          return;
        case 'budget-refused':
          if (log.isLevelEnabled('debug') && mayLog())
            log.debug({ budget: event.budget, reason: event.reason }, event.kind);
          return;
        case 'budget-overrun':
        case 'budgets-rebuilt':
          if (mayLog()) logBudgets(log, event);
          return;
        case 'route-certified':
        case 'route-alarm':
        case 'cascade-switched':
        case 'route-sampled':
          logRoute(log, event, mayLog);
          return;
        case 'batch-submitted':
        case 'batch-ended':
        case 'batch-refused':
        case 'batch-row-unknown':
        case 'deadline-missed':
          if (mayLog()) logBatch(log, event);
      }
    },
  };
}

type TargetEvent = Extract<
  EngineEvent,
  { readonly kind: 'attempt-failed' | 'target-rested' | 'target-recovered' | 'tokens-estimated' }
>;

function logTarget(log: Logger, event: TargetEvent, mayLog: () => boolean): void {
  const { kind, target } = event;
  if (kind === 'attempt-failed') {
    const { callId, reason } = event;
    if (log.isLevelEnabled('debug') && mayLog()) log.debug({ callId, target, reason }, 'attempt failed');
    return;
  }
  // Estimates are in the metrics alone: every call has one.
  if (kind === 'tokens-estimated' || !mayLog()) return;
  if (kind === 'target-recovered') log.info({ target }, 'target answers again');
  else log.warn({ target, restsMs: event.restsMs, reason: event.reason }, 'target is left alone');
}

/** Without the value: a tag's names a person. */
function logAlert(log: Logger, { budget, mode, ratio, usedNanoUsd, limitNanoUsd }: BudgetAlert): void {
  const amounts = { usedUsd: formatUsd(usedNanoUsd), limitUsd: formatUsd(limitNanoUsd) };
  log.warn({ budget, mode, ratio, ...amounts }, 'budget alert');
}

type RouteEvent = Extract<
  EngineEvent,
  { readonly kind: 'route-certified' | 'route-alarm' | 'cascade-switched' | 'route-sampled' }
>;

/** All but samples are rare, and what an operator must see: never held back. */
function logRoute(log: Logger, event: RouteEvent, mayLog: () => boolean): void {
  const { kind, route } = event;
  if (kind === 'route-sampled') {
    if (log.isLevelEnabled('debug') && mayLog()) log.debug({ route, outcome: event.outcome }, kind);
    return;
  }
  if (kind === 'cascade-switched') {
    const facts = { route, escalatedRatio: event.escalatedRatio };
    if (event.isOn) log.info(facts, 'a cascade saves money again: it is on');
    else log.warn(facts, 'a cascade escalates more than it saves: calls go to the strong target');
    return;
  }
  const { target, meanLoss, samples } = event;
  const facts = { route, target, meanLoss, samples };
  if (kind === 'route-alarm')
    log.warn(
      facts,
      'quality has fallen of late (the mean loss is that of all samples): the route is back at its strong target',
    );
  else log.info(facts, 'a cheaper target is certified');
}

type BatchEvent = Extract<
  EngineEvent,
  {
    readonly kind: 'batch-submitted' | 'batch-ended' | 'batch-refused' | 'batch-row-unknown' | 'deadline-missed';
  }
>;

function logBatch(log: Logger, { kind, ...facts }: BatchEvent): void {
  const isExpected = kind === 'batch-submitted' || kind === 'batch-ended';
  log[isExpected ? 'info' : 'warn'](facts, kind);
}

type BudgetsEvent = Extract<EngineEvent, { readonly kind: 'budget-overrun' | 'budgets-rebuilt' }>;

function logBudgets(log: Logger, event: BudgetsEvent): void {
  if (event.kind === 'budgets-rebuilt') {
    const facts = { isReady: event.isReady };
    // A first start is nothing to be warned of.
    log[event.isFirst ? 'debug' : 'warn'](facts, 'counters of budgets are built from the ledger');
    return;
  }
  const { callId, boundNanoUsd, amountNanoUsd } = event;
  const amounts = { boundUsd: formatUsd(boundNanoUsd), amountUsd: formatUsd(amountNanoUsd) };
  log.error({ callId, ...amounts }, 'a bill above the bound that was reserved for it');
}

function logCall(log: Logger, record: CallRecord): void {
  const { callId, project, keyId, endpoint, target, status, outcome, cacheStatus, durationMs, costNanoUsd } = record;
  log.debug(
    { callId, project, keyId, endpoint, target, status, outcome, cacheStatus, durationMs, costNanoUsd },
    'call',
  );
}

function lineLimit(): () => boolean {
  let second = 0;
  let lines = 0;
  return () => {
    const now = Math.trunc(performance.now() / 1000);
    if (now !== second) {
      second = now;
      lines = 0;
    }
    lines += 1;
    return lines <= LINES_PER_SECOND;
  };
}
