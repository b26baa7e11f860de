import type { Random } from '../../ports/clock.ts';
import type { SimulatedModel } from '../simulated-model.ts';
import type { BatchBehaviour } from './batch-options.ts';
import type { BatchRows, RowEnd, SimulatedBatch } from './simulated-batch.ts';

/** A batch to be made. @internal */
export interface NewBatch {
  readonly id: string;
  readonly account: string;
  readonly path: string;
  readonly rows: BatchRows;
  readonly isFaulty: boolean;
  readonly nowMs: number;
  deliver(end: RowEnd): void;
}

/** What the batches of both protocols stand on. @internal */
export interface BatchGround {
  readonly behaviour: BatchBehaviour;
  /** For ids. */
  readonly random: Random;
  /** The models on offer. */
  readonly models: readonly SimulatedModel[];
  /** Makes a batch and sees to it that it goes on. */
  start(batch: NewBatch): SimulatedBatch;
}
