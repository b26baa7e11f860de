import type { Endpoint } from '../../core/model/protocol.ts';
import type { JsonObject } from '../json-value.ts';
import type { TrafficKind } from './traffic-parameters.ts';

/** A call of the simulated day. @internal */
export interface PlannedCall {
  /** When it is made, 0 to 86,400,000 milliseconds into the day. */
  readonly atMs: number;
  readonly kind: TrafficKind | 'summary';
  /** Which of `PROJECT_NAMES` makes it. */
  readonly projectIndex: number;
  readonly endpoint: Endpoint;
  /** The JSON body. */
  readonly body: string;
  readonly isStream: boolean;
  /** Headers of Farthing: tags, session, deadline. Credentials and those of the protocol are the sender's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Calls of one session wait for each other, as turns of a conversation do. */
  readonly session?: string | undefined;
  /** The client leaves so many milliseconds after sending, at the provider's real speed. */
  readonly abandonAfterMs?: number | undefined;
}

/** A call as its scenario makes it, before it has a place in the day. @internal */
export interface ScenarioCall {
  /** After the scenario's first call. */
  readonly afterMs: number;
  readonly endpoint: Endpoint;
  readonly body: JsonObject;
  readonly abandonAfterMs?: number;
}

/** What happens together: a conversation, a tool loop, a burst of the same call. @internal */
export interface Scenario {
  readonly projectIndex: number;
  readonly feature: string;
  readonly user: string;
  /** Whether the calls wait for each other. */
  readonly isSequence: boolean;
  readonly calls: readonly ScenarioCall[];
}
