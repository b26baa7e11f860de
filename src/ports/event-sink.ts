import type { CallRecord } from '../core/model/charge.ts';

/** What the engine reports beside replies and ledger rows. Names are noun-verb. @public */
export type EngineEvent =
  | { readonly kind: 'call-finished'; readonly record: CallRecord }
  | {
      readonly kind: 'store-failed';
      readonly store: 'cache' | 'ledger';
      readonly operation: string;
      readonly error: unknown;
    }
  | { readonly kind: 'unpriced-charged'; readonly callId: string; readonly target: string }
  | { readonly kind: 'usage-missing'; readonly callId: string; readonly target: string }
  | { readonly kind: 'internal-fault'; readonly callId: string; readonly error: unknown };

/** Takes events for logs, metrics and `onCall`. Must not throw and must not block. @public */
export interface EventSink {
  emit(event: EngineEvent): void;
}
