import type { SchemaValidator } from '../../core/verify/answer-check.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { CascadeBook } from './cascade-book.ts';

/** What the cascade step needs. @internal */
export interface CascadeOptions {
  readonly book: CascadeBook;
  /** Makes one for each reply, whose answers share the work that it may take. */
  readonly newValidator: () => SchemaValidator;
  readonly pricer: Pricer;
  /** Most bytes of an answer that are held to be checked; a longer one counts as failed. */
  readonly maxReplyBytes: number;
  /** For a whole call, its cheap answers included, in milliseconds. */
  readonly totalMs: number;
  readonly clock: Clock;
  readonly events: EventSink;
}
