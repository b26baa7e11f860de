import { Counter, Gauge, type Registry } from 'prom-client';
import type { EngineEvent } from '../ports/event-sink.ts';
import type { BatchBook, JobQueue } from '../ports/job-store.ts';

/** Events of calls that are answered later. @internal */
export type BatchEvent = Extract<
  EngineEvent,
  { readonly kind: 'batch-submitted' | 'batch-ended' | 'batch-refused' | 'batch-row-unknown' | 'deadline-missed' }
>;

/** Figures of calls that are answered later. @internal */
export class BatchMetrics {
  readonly #batches: Counter<'outcome'>;
  readonly #rows: Counter<'outcome'>;
  readonly #missed: Counter;
  #book: Pick<BatchBook & JobQueue, 'batches' | 'queues'> | undefined;

  constructor(registers: Registry[]) {
    this.#batches = new Counter({
      name: 'farthing_batches_total',
      help: 'Batches at providers: submitted, refused (by the provider, as a whole), ended (settled).',
      labelNames: ['outcome'],
      registers,
    });
    this.#rows = new Counter({
      name: 'farthing_batch_rows_total',
      help: 'Rows of batches that have ended: answered, failed (errors, or not answered), unknown (nobody asked for them).',
      labelNames: ['outcome'],
      registers,
    });
    this.#missed = new Counter({
      name: 'farthing_deadline_missed_total',
      help: 'Deferred calls whose answer came after their deadline: alarm on any.',
      registers,
    });
    const open: Gauge<'state'> = new Gauge({
      name: 'farthing_deferred_calls',
      help: 'Calls that wait for an answer: waiting for a batch, or in one (those asked live by now included).',
      labelNames: ['state'],
      // Every worker sees the same: their sum would be wrong.
      aggregator: 'max',
      registers,
      collect: () => this.#countOpen(open),
    });
  }

  /** Where calls that wait are kept. */
  watch(book: Pick<BatchBook & JobQueue, 'batches' | 'queues'>): void {
    this.#book = book;
  }

  emit(event: BatchEvent): void {
    switch (event.kind) {
      case 'batch-submitted':
        this.#batches.inc({ outcome: 'submitted' });
        return;
      case 'batch-refused':
        this.#batches.inc({ outcome: 'refused' });
        return;
      case 'batch-ended':
        this.#batches.inc({ outcome: 'ended' });
        this.#rows.inc({ outcome: 'answered' }, event.answered);
        this.#rows.inc({ outcome: 'failed' }, event.failed);
        return;
      case 'batch-row-unknown':
        this.#rows.inc({ outcome: 'unknown' });
        return;
      case 'deadline-missed':
        this.#missed.inc();
    }
  }

  /** A store that fails leaves the figures out: a metric must not say 0 for what nobody knows. */
  async #countOpen(open: Gauge<'state'>): Promise<void> {
    open.reset();
    try {
      const [queues, batches] = await Promise.all([this.#book?.queues(), this.#book?.batches({})]);
      if (queues === undefined || batches === undefined) return;
      open.set(
        { state: 'waiting' },
        queues.reduce((sum, { jobs }) => sum + jobs, 0),
      );
      open.set(
        { state: 'batched' },
        batches.reduce((sum, { requests }) => sum + requests, 0),
      );
    } catch {
      // Whoever works on them tells of it: `farthing_store_faults_total` of `jobs`.
    }
  }
}
