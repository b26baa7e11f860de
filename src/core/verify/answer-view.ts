import type { Finish } from '../model/reply.ts';

/** A tool that an answer calls. @public */
export interface AnsweredToolCall {
  readonly name: string;
  /** JSON as the model wrote it; may be no JSON at all. */
  readonly argumentsText: string;
}

/** One answer of a model, whatever the protocol: what checks and judges look at. @public */
export interface AnswerView {
  /** The visible text; reasoning is none. Empty where there is none. */
  readonly text: string;
  readonly toolCalls: readonly AnsweredToolCall[];
  readonly finish: Finish;
}

/** A function that the caller offers to the model. @public */
export interface OfferedTool {
  readonly name: string;
  /** JSON Schema of its arguments; undefined where the caller gave none, so that nothing can be said of them. */
  readonly parameters: unknown;
}

/** Among `uncheckedTools`: a tool of any name. @internal */
export const ANY_TOOL = '*';

/** What a request says about the answer that it wants, whatever the protocol. @public */
export interface AnswerTerms {
  /** Functions only: the provider's own tools and free-text tools have no arguments to check. */
  readonly tools: readonly OfferedTool[];
  /** Names of tools that are no functions: calls of these are neither checked nor unexpected. `*`: there may be tools that the request does not list. */
  readonly uncheckedTools: readonly string[];
  /** Whether the model must call a tool. */
  readonly mustCallTool: boolean;
  /** Whether the answer must be JSON, with or without a schema. */
  readonly wantsJson: boolean;
  /** The JSON Schema that the answer must have; undefined where none is asked for. */
  readonly schema: unknown;
}
