/** What one model made of one prompt, as a table of outcomes has it. Undefined: the table does not say. @public */
export interface ModelOutcome {
  /** What the answer is worth, 0 to 1. */
  readonly quality: number;
  /** The final answer. `null`: the model gave none that could be found. */
  readonly answer: string | null | undefined;
  /** Whether checks let the answer pass: those that a cascade could make before anybody sees it, not the grading. */
  readonly isValid: boolean | undefined;
  /** Whether the answer has the form that was asked for, to the letter. */
  readonly isFormatOk: boolean | undefined;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly latencySeconds: number | undefined;
  /** What the benchmark found wrong, in its own words. */
  readonly errorType: string | undefined;
  /** What the call cost, in dollars. */
  readonly costUsd: number | undefined;
  /** What such a call is taken to cost where neither its cost nor tokens and prices are known. */
  readonly assumedCostUsd: number | undefined;
}

/** What several models made of one prompt. @public */
export interface OutcomeRow {
  readonly id: string | undefined;
  readonly prompt: string | undefined;
  /** The kind of task: subject, category, data set. */
  readonly domain: string | undefined;
  /** By the model's name. */
  readonly models: ReadonlyMap<string, ModelOutcome>;
}
