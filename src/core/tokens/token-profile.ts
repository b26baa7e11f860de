/**
 * How a provider bills the tools that are offered.
 *
 * - `typescript`: as OpenAI's declarations (`openaiToolsText`).
 * - `json`: as the JSON of name, description and parameters.
 * @public
 */
export interface ToolBilling {
  readonly form: 'typescript' | 'json';
  /** Tokens for one that is counted in the form. */
  readonly factor: number;
  /** Tokens of the words that come with the first tool. */
  readonly firstToolTokens: number;
  /** The same where the prompt has a system message. */
  readonly firstToolWithSystemTokens: number;
  /** What is added where a tool must be called. */
  readonly mustCallTokens: number;
  /** For each tool. */
  readonly perToolTokens: number;
  /** Added once where any tool takes arguments. */
  readonly withArgumentsTokens: number;
  /** Whether `parameters` without any property cost nothing. */
  readonly omitsEmptyParameters: boolean;
  /** Whether tools that must not be called are left out. */
  readonly omitsWhenForbidden: boolean;
  /** What the provider's own tools cost before they are used, by their names. What they bring in is not in it. */
  readonly hostedTokens: Readonly<Record<string, number>>;
}

/** How a provider bills calls of tools and their results in a history. @public */
export interface CallBilling {
  /** `json`: the arguments as they stand; `xml`: an element for each argument, as Claude is shown them. */
  readonly form: 'json' | 'xml';
  /** How often a call and its result name the tool. */
  readonly names: number;
  /** For each call, beside what its message costs. */
  readonly perCallTokens: number;
  readonly perResultTokens: number;
  /** For each argument, where the form is `xml`. */
  readonly perArgumentTokens: number;
  /** Whether several calls of one message are wrapped as one call of `multi_tool_use.parallel`, as before GPT-5. */
  readonly wrapsParallel: boolean;
}

/** How a provider bills the schema that the answer must have: `factor` times its tokens, and a constant. @public */
export interface FormatBilling {
  readonly factor: number;
  readonly tokens: number;
}

/** How the input tokens of a family of models are counted. @public */
export interface TokenRules {
  /** Names the rules, for reports. */
  readonly id: string;
  /** The vocabulary that is counted in; a `TokenEncoding`. */
  readonly encoding: 'o200k_base' | 'cl100k_base';
  /** Whether the encoding is the model's own and its frame is known, so that text alone is counted to the token. */
  readonly isExact: boolean;
  /** How far off nine of ten recorded calls were at the most that are more than text, as a ratio of what was billed. */
  readonly expectedErrorRatio: number;
  /** The model's tokens for one of the encoding. */
  readonly textFactor: number;
  /** The most that it was seen to be, with a margin: what an upper bound reckons with. */
  readonly worstTextFactor: number;
  /** Around the whole prompt. */
  readonly requestTokens: number;
  /** Around each message. */
  readonly messageTokens: number;
  /** Around system messages, where it is not the same. */
  readonly systemTokens: number;
  /** What asking for thinking adds. */
  readonly thinkingTokens: number;
  readonly tools: ToolBilling;
  readonly calls: CallBilling;
  readonly format: FormatBilling;
  /** An image of a model without a formula of its own. */
  readonly imageTokens: number;
  /** Tokens for a byte of blocks that hold what the model thought, unreadable to all others, by their type. */
  readonly opaqueFactors: Readonly<Record<string, number>>;
}

/** The rules for one model. @public */
export interface TokenProfile extends TokenRules {
  /** The model's name, by which its images are counted. */
  readonly model: string;
}
