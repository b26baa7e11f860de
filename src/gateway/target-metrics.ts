import { Counter, Histogram, type Registry } from 'prom-client';
import { parseTarget } from '../core/model/target.ts';
import type { EngineEvent } from '../ports/event-sink.ts';

/** Exact counts, then what is too little to matter for a bill, up to what is no count at all. */
const ERROR_RATIOS = [0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/** What happens to targets. @internal */
export type TargetEvent = Extract<
  EngineEvent,
  { readonly kind: 'attempt-failed' | 'target-rested' | 'target-recovered' | 'tokens-estimated' }
>;

/** Counts failed attempts and rests of targets, and how well their tokens are counted, by provider: models are named by callers, and would be labels without end. @internal */
export class TargetMetrics {
  readonly #failures: Counter<'provider' | 'reason'>;
  readonly #rests: Counter<'provider' | 'reason'>;
  readonly #recoveries: Counter<'provider'>;
  readonly #tokenErrors: Histogram<'provider'>;

  constructor(registers: Registry[]) {
    const labelNames = ['provider', 'reason'] as const;
    this.#failures = new Counter({
      name: 'farthing_attempt_failures_total',
      help: 'Attempts that failed, by provider and reason.',
      labelNames,
      registers,
    });
    this.#rests = new Counter({
      name: 'farthing_target_rests_total',
      help: 'Times that a target was left alone for a while.',
      labelNames,
      registers,
    });
    this.#recoveries = new Counter({
      name: 'farthing_target_recoveries_total',
      help: 'Times that a target answered again after it had been left alone.',
      labelNames: ['provider'],
      registers,
    });
    this.#tokenErrors = new Histogram({
      name: 'farthing_token_estimate_error_ratio',
      help: 'How far off our own counts of input tokens were, as a share of what the provider stated; from a sample of calls.',
      labelNames: ['provider'],
      buckets: ERROR_RATIOS,
      registers,
    });
  }

  emit(event: TargetEvent): void {
    const provider = parseTarget(event.target)?.provider ?? '';
    switch (event.kind) {
      case 'attempt-failed':
        this.#failures.inc({ provider, reason: event.reason });
        return;
      case 'target-rested':
        this.#rests.inc({ provider, reason: event.reason });
        return;
      case 'target-recovered':
        this.#recoveries.inc({ provider });
        return;
      case 'tokens-estimated':
        this.#tokenErrors.observe({ provider }, event.errorRatio);
    }
  }
}
