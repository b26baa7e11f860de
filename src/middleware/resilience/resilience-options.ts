import type { LearnedRefusals } from '../../core/adapt/learned-refusals.ts';
import type { Target } from '../../core/model/target.ts';
import type { ResiliencePolicy } from '../../core/resilience/resilience-policy.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Call, WarmTarget } from '../compose.ts';
import type { TargetBook } from './target-book.ts';

/** What the resilience step needs. @internal */
export interface ResilienceOptions {
  readonly policy: ResiliencePolicy;
  /** For a whole call, in milliseconds. */
  readonly totalMs: number;
  /** Most bytes of a stream that are held back for `midStream: buffer`. */
  readonly maxReplyBytes: number;
  readonly book: TargetBook;
  readonly learned: LearnedRefusals;
  /** Undefined where it is not known. */
  readonly contextWindowOf: (target: Target) => number | undefined;
  readonly vendorOf: (target: Target) => string | undefined;
  /** Where the provider has the beginning of a call's prompt in its cache: among equals the call goes there. */
  readonly warmOf: (call: Call) => Promise<WarmTarget | undefined>;
  /** Answers a call from what the cache has of a target other than the first; undefined without a cache. */
  readonly answerFromCache: ((call: Call, target: Target) => Promise<boolean>) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
}
