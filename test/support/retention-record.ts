/** One passage of a context: `sentences` where the data set says where they end. */
interface RetentionSection {
  readonly title: string;
  readonly text: string;
  readonly sentences: readonly string[] | undefined;
}

/** A question with passages of which some hold the answer. */
export interface RetentionRecord {
  readonly question: string;
  /** Any of them will do; none where the answer is yes or no. */
  readonly answers: readonly string[];
  readonly sections: readonly RetentionSection[];
  /** Sentences that one must know to answer; empty where the data set does not say. */
  readonly supportingFacts: readonly string[];
  /** Whether parameters may be tuned on it: the SHA-256 of its line begins with an even byte. */
  readonly forTuning: boolean;
}
