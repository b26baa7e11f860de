import type { Job } from '../core/model/deferred-call.ts';
import type { PriceBook } from '../core/price-book.ts';
import { bookPricer } from '../engine/book-pricer.ts';
import type { EngineProvider } from '../engine/engine-options.ts';
import type { Engine } from '../engine/engine-request.ts';
import { systemClock, systemRandom } from '../engine/system-ports.ts';
import { BatchDesk } from '../jobs/batch/batch-desk.ts';
import type { BatchProvider } from '../jobs/batch/batch-provider.ts';
import { BatchPlanner } from '../jobs/batch/batch-planner.ts';
import { BatchWorker } from '../jobs/batch/batch-worker.ts';
import { DurationBook } from '../jobs/batch/duration-book.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Jobs } from '../ports/job-store.ts';
import { batchApiOf } from '../providers/batch/batch-api-of.ts';
import type { LibraryStores } from './library-stores.ts';

/** What answers calls by providers' batches in this process. @internal */
export interface LibraryBatches {
  readonly jobs: Jobs;
  readonly desk: BatchDesk;
  readonly worker: BatchWorker;
  readonly engine: Engine;
  /** Tells of each job that this process brings to its end, until what is returned is called. */
  listen(onDone: (job: Job) => void): () => void;
  close(): Promise<void>;
}

/** What is open already. @internal */
export interface LibraryBatchesOptions {
  readonly engine: Engine;
  readonly stores: Pick<LibraryStores, 'jobs' | 'stateStore'>;
  readonly providers: readonly EngineProvider[];
  readonly priceBook: PriceBook;
  readonly events: EventSink;
}

/** Begins to work on what is in the store. @internal */
export function openLibraryBatches(options: LibraryBatchesOptions): LibraryBatches {
  const { engine, providers, priceBook, events } = options;
  const { jobs, stateStore } = options.stores;
  const [clock, random] = [systemClock, systemRandom];
  const taking = new Map(providers.map(({ provider }) => [provider.name, takingOf(provider)]));
  const providerOf = (name: string): BatchProvider | undefined => taking.get(name);
  const vendors = new Map(providers.map(({ provider, vendor }) => [provider.name, vendor]));
  const pricer = bookPricer(priceBook, vendors);
  const durations = new DurationBook({ states: stateStore, jobs, clock, events });
  const planner = new BatchPlanner({ pricer: () => pricer, providerOf, durations });
  const listeners = new Set<(job: Job) => void>();
  const onDone = (job: Job): void => {
    for (const tell of listeners) tell(job);
  };
  const worker = new BatchWorker({
    jobs,
    engine: () => engine,
    providerOf,
    planner,
    durations,
    clock,
    random,
    events,
    onDone,
  });
  worker.start();
  return {
    jobs,
    desk: new BatchDesk({ jobs, planner, clock }),
    worker,
    engine,
    listen(tell) {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    close: () => worker.close(),
  };
}

function takingOf(provider: EngineProvider['provider']): BatchProvider {
  return { api: batchApiOf(provider), keyWeights: provider.keyWeights };
}
