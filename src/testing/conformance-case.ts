/** One rule that an adapter must keep. Fails by rejecting; knows no test runner. @public */
export interface ConformanceCase {
  /** The rule, as a sentence. */
  readonly name: string;
  readonly run: () => Promise<void>;
}
