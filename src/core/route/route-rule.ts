import type { QualityPolicy } from '../guard/quality-policy.ts';
import type { Endpoint } from '../model/protocol.ts';
import type { Target } from '../model/target.ts';
import type { ScoreModel } from '../score/score-model.ts';
import type { AnswerCheck } from '../verify/answer-check.ts';

/** Which calls a route takes: all that is stated must hold. Undefined: whatever the call has. @public */
export interface RouteMatch {
  /** The model as the caller asks for it, one of these; a `*` at the end of one stands for anything. */
  readonly models?: readonly string[];
  /** For each tag one of these values; `*`: any value. */
  readonly tags?: Readonly<Record<string, readonly string[]>>;
  readonly endpoints?: readonly Endpoint[];
  /** Whether tools are offered, or that one of these is, by name. */
  readonly tools?: boolean | readonly string[];
  /** Whether the answer must have a JSON Schema. */
  readonly schema?: boolean;
  /** Least estimated input tokens, this one included. */
  readonly minInputTokens?: number;
  /** Most estimated input tokens, this one included. */
  readonly maxInputTokens?: number;
  /** ISO 639-1 codes: the language of the user's latest text is one of these. */
  readonly languages?: readonly string[];
}

/** A learnt score that says which calls need the strong target. @public */
export interface ScorePolicy {
  /** What `farthing routes train` wrote. */
  readonly model: ScoreModel;
  /** Calls with a score up to this go to the cheap target. Undefined: what was certified when the model was trained; nothing where it was not. */
  readonly threshold: number | undefined;
}

/** Cheap answers that are checked before the caller gets them. @public */
export interface CascadePolicy {
  /** In order, the cheap ones first; `finish`, `refusal` and `empty` always come before them. */
  readonly verify: readonly AnswerCheck[];
}

/** A named rule that picks targets for calls. @public */
export interface RouteRule {
  /** Unique; 1 to 64 of letters, digits, `-`, `_` and `.`. */
  readonly name: string;
  readonly match: RouteMatch;
  /** In order of price, the last is the strong one. With a cascade: the one asked first, then those it escalates to. */
  readonly targets: readonly [Target, ...Target[]];
  /** Asked when all targets have failed; not for their price. */
  readonly fallbacks: readonly Target[];
  /** Undefined: the first target answers, whatever it says. */
  readonly cascade: CascadePolicy | undefined;
  /** Undefined: the operator vouches for the targets. */
  readonly quality: QualityPolicy | undefined;
  /** Undefined: none. Needs two targets. */
  readonly score: ScorePolicy | undefined;
  /** Whether a conversation stays with its target while moving would cost more than it saves. */
  readonly sticky: boolean;
  /** Names this rule as it is written: changes whenever the rule does. */
  readonly policyVersion: string;
}
