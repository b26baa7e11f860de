import type { Endpoint } from '../model/protocol.ts';
import type { CallBilling, TokenRules, ToolBilling } from './token-profile.ts';

/** Every figure without another source was derived from the `usage` of recorded calls: test/token-estimates.test.ts holds them against it. */
const JSON_TOOLS: ToolBilling = {
  form: 'json',
  factor: 1,
  firstToolTokens: 0,
  firstToolWithSystemTokens: 0,
  mustCallTokens: 0,
  perToolTokens: 0,
  withArgumentsTokens: 0,
  omitsEmptyParameters: false,
  omitsWhenForbidden: false,
  hostedTokens: {},
};

const JSON_CALLS: CallBilling = {
  form: 'json',
  names: 1,
  perCallTokens: 8,
  perResultTokens: 0,
  perArgumentTokens: 0,
  wrapsParallel: false,
};

/** What is taken for models that nothing is known of. @internal */
export const UNKNOWN_RULES: TokenRules = {
  id: 'unknown',
  expectedErrorRatio: 1,
  encoding: 'o200k_base',
  isExact: false,
  textFactor: 1.1,
  worstTextFactor: 2,
  requestTokens: 4,
  messageTokens: 4,
  systemTokens: 4,
  thinkingTokens: 0,
  tools: { ...JSON_TOOLS, firstToolTokens: 200, firstToolWithSystemTokens: 200 },
  calls: JSON_CALLS,
  format: { factor: 0, tokens: 0 },
  imageTokens: 700,
  opaqueFactors: {},
};

function firstTool(tokens: number): Pick<ToolBilling, 'firstToolTokens' | 'firstToolWithSystemTokens'> {
  return { firstToolTokens: tokens, firstToolWithSystemTokens: tokens };
}

/** A chat message is framed by 4 tokens and the answer is begun by 3 (OpenAI's cookbook: 3 per message, the role, and 3; the counts of recorded calls agree). */
const OPENAI: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'openai',
  expectedErrorRatio: 0.05,
  isExact: true,
  textFactor: 1,
  worstTextFactor: 1,
  requestTokens: 3,
  tools: { ...JSON_TOOLS, form: 'typescript', firstToolTokens: 9, firstToolWithSystemTokens: 5 },
  calls: { ...JSON_CALLS, names: 2, perCallTokens: 5, wrapsParallel: true },
  format: { factor: 1, tokens: 1 },
};

/** Reasoning models begin the answer by 2 tokens, and are told how tools are called. */
const OPENAI_REASONING: TokenRules = {
  ...OPENAI,
  id: 'openai-reasoning',
  requestTokens: 2,
  tools: { ...OPENAI.tools, ...firstTool(90), withArgumentsTokens: 1 },
  calls: { ...OPENAI.calls, perCallTokens: 11, wrapsParallel: false },
};

/** Open weights of the same vocabulary, behind a preamble with the date and the channels. */
const GPT_OSS: TokenRules = {
  ...OPENAI_REASONING,
  id: 'gpt-oss',
  expectedErrorRatio: 0.35,
  isExact: false,
  worstTextFactor: 1.1,
  requestTokens: 63,
  tools: { ...OPENAI.tools, ...firstTool(25) },
};

/**
 * Anthropic's own tools. Computer, editor and shell by its pages on them; the others are what recorded calls were billed beyond the words that come with a
 * first tool.
 */
const CLAUDE_HOSTED: ToolBilling['hostedTokens'] = {
  computer: 735,
  str_replace_based_edit_tool: 700,
  bash: 245,
  memory: 1060,
  web_search: 1714,
  web_fetch: 525,
  code_execution: 4150,
  advisor: 1900,
  tool_search_tool_bm25: 215,
  tool_search_tool_regex: 215,
};

/** Claude 4.5 and 4.6. 1.1 tokens for one of o200k in English prose; text in capitals was seen at 1.5. */
const CLAUDE: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'claude-4.5',
  expectedErrorRatio: 0.2,
  textFactor: 1.1,
  worstTextFactor: 1.7,
  requestTokens: 2,
  systemTokens: 0,
  thinkingTokens: 28,
  tools: {
    ...JSON_TOOLS,
    factor: 1.15,
    ...firstTool(492),
    mustCallTokens: 102,
    perToolTokens: 13,
    hostedTokens: CLAUDE_HOSTED,
    omitsWhenForbidden: true,
  },
  calls: { form: 'xml', names: 1, perCallTokens: 21, perResultTokens: 21, perArgumentTokens: 15, wrapsParallel: false },
  format: { factor: 1, tokens: 143 },
  imageTokens: 1500,
};

const GEMINI: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'gemini-2.5',
  expectedErrorRatio: 0.2,
  textFactor: 1,
  worstTextFactor: 1.7,
  requestTokens: 0,
  messageTokens: 1,
  systemTokens: 1,
  calls: { ...JSON_CALLS, perCallTokens: 18 },
  tools: { ...JSON_TOOLS, perToolTokens: -1, mustCallTokens: 8 },
  imageTokens: 1090,
  opaqueFactors: { 'thought-signature': 0 },
};

const LLAMA: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'llama',
  expectedErrorRatio: 0.1,
  textFactor: 1,
  imageTokens: 450,
  requestTokens: 6,
  tools: { ...JSON_TOOLS, ...firstTool(90) },
  calls: { ...JSON_CALLS, perCallTokens: 36 },
};

const MISTRAL: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'mistral',
  expectedErrorRatio: 0.15,
  textFactor: 1,
  requestTokens: 2,
  messageTokens: 1,
  systemTokens: 1,
  tools: { ...JSON_TOOLS, factor: 1.3, perToolTokens: 13, omitsWhenForbidden: true },
  calls: { ...JSON_CALLS, perCallTokens: 6 },
};

const NOVA: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'nova',
  expectedErrorRatio: 0.2,
  textFactor: 1,
  requestTokens: 0,
  messageTokens: 0,
  systemTokens: 0,
  tools: { ...JSON_TOOLS, factor: 1.29, ...firstTool(352) },
  calls: { ...JSON_CALLS, perCallTokens: 36 },
};

const DEEPSEEK: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'deepseek',
  expectedErrorRatio: 0.3,
  textFactor: 1,
  requestTokens: 4,
  messageTokens: 1,
  systemTokens: 1,
  tools: { ...JSON_TOOLS, ...firstTool(235) },
};

const QWEN: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'qwen',
  expectedErrorRatio: 0.5,
  textFactor: 1,
  requestTokens: 7,
  messageTokens: 5,
  systemTokens: 5,
  tools: { ...JSON_TOOLS, ...firstTool(120) },
};

const GLM: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'glm',
  expectedErrorRatio: 0.1,
  textFactor: 1,
  requestTokens: 3,
  messageTokens: 2,
  systemTokens: 2,
};

const COHERE: TokenRules = {
  ...UNKNOWN_RULES,
  id: 'cohere',
  expectedErrorRatio: 0.1,
  textFactor: 1,
  requestTokens: 491,
  tools: { ...JSON_TOOLS, factor: 2, ...firstTool(860) },
  calls: { ...JSON_CALLS, perCallTokens: 74 },
};

/** One row of the table: whom it holds for, and what. @internal */
export interface TokenRulesRow {
  /** Beginnings of model names, in lower case and without a vendor in front. */
  readonly models: readonly string[];
  /** Undefined: any provider. */
  readonly provider?: string;
  /** Undefined: any endpoint. */
  readonly endpoint?: Endpoint;
  readonly rules: TokenRules;
}

const CL100K: TokenRules = { ...OPENAI, id: 'openai-cl100k', encoding: 'cl100k_base' };

/** The Responses endpoint writes tools and calls a little shorter. */
const OPENAI_RESPONSES: TokenRules = {
  ...OPENAI,
  id: 'openai-responses',
  tools: { ...OPENAI.tools, ...firstTool(3) },
  calls: { ...OPENAI.calls, perCallTokens: 3 },
};

const BEFORE_CLAUDE_4_5: TokenRules = {
  ...CLAUDE,
  id: 'claude-4.0',
  // Anthropic's page on tools: 346 tokens for Claude 4, 313 where a tool must be called; billed were 10 to 20 less.
  tools: { ...CLAUDE.tools, ...firstTool(322), mustCallTokens: -30 },
};

/** Opus 4.7 and later, Sonnet 5, Fable, Mythos: a vocabulary of about 30 % more tokens for the same text (Anthropic's page on counting tokens). */
const NEW_CLAUDE: TokenRules = {
  ...CLAUDE,
  id: 'claude-5',
  textFactor: 1.35,
  worstTextFactor: 2.2,
  requestTokens: 1,
  messageTokens: 3,
  systemTokens: 3,
  thinkingTokens: 0,
  tools: { ...CLAUDE.tools, factor: 1.5, ...firstTool(390) },
  calls: { ...CLAUDE.calls, perCallTokens: 18, perResultTokens: 18, perArgumentTokens: 10 },
};

const GEMINI_2_0: TokenRules = {
  ...GEMINI,
  id: 'gemini-2.0',
  messageTokens: 0,
  systemTokens: 0,
  tools: { ...JSON_TOOLS, factor: 0.34 },
  calls: { ...JSON_CALLS, perCallTokens: 0 },
};

/** What Gemini 3 thought before a call comes back signed, and is billed again: 0.2 tokens for a character of the signature. */
const GEMINI_3: TokenRules = {
  ...GEMINI,
  id: 'gemini-3',
  tools: { ...JSON_TOOLS, perToolTokens: 9, omitsEmptyParameters: true },
  calls: { ...JSON_CALLS, perCallTokens: 10 },
  opaqueFactors: { 'thought-signature': 0.2 },
};

const GEMINI_VERTEX: TokenRules = {
  ...GEMINI,
  id: 'gemini-vertex',
  messageTokens: 0,
  systemTokens: 0,
  tools: { ...JSON_TOOLS, perToolTokens: -4, omitsEmptyParameters: true },
  calls: { ...JSON_CALLS, perCallTokens: -2 },
};

/** A row that names the provider or the endpoint wins over one that does not; among equals the one with the longest beginning. @internal */
export const TOKEN_RULES: readonly TokenRulesRow[] = [
  { models: [''], rules: UNKNOWN_RULES },
  { models: ['gpt-', 'chatgpt-', 'codex-', 'o1', 'o3', 'o4', 'computer-use'], rules: OPENAI_REASONING },
  {
    models: ['gpt-4', 'gpt-3', 'text-embedding-3', 'text-embedding-ada-002', 'davinci-002', 'babbage-002'],
    rules: CL100K,
  },
  { models: ['gpt-4o', 'chatgpt-4o', 'gpt-4.1', 'gpt-4.5'], rules: OPENAI },
  { models: ['gpt-4o', 'chatgpt-4o', 'gpt-4.1', 'gpt-4.5'], endpoint: 'responses', rules: OPENAI_RESPONSES },
  // Billed are the words alone; what is searched is billed apart.
  {
    models: ['gpt-4o-search', 'gpt-4o-mini-search'],
    rules: { ...OPENAI, id: 'openai-search', requestTokens: 0, messageTokens: 0, systemTokens: 0 },
  },
  { models: ['o1-mini'], rules: { ...OPENAI_REASONING, id: 'o1-mini', requestTokens: 10 } },
  // One recording, of a message without instructions.
  {
    models: ['gpt-4.1-mini'],
    endpoint: 'responses',
    rules: { ...OPENAI_RESPONSES, id: 'gpt-4.1-mini-responses', requestTokens: 4 },
  },
  { models: ['gpt-oss'], rules: GPT_OSS },
  { models: ['gpt-oss'], provider: 'groq', rules: { ...GPT_OSS, id: 'gpt-oss-groq', requestTokens: 67 } },
  { models: ['gpt-oss'], provider: 'openrouter', rules: { ...GPT_OSS, id: 'gpt-oss-openrouter', requestTokens: 67 } },
  { models: ['claude-'], rules: NEW_CLAUDE },
  {
    models: ['claude-sonnet-5'],
    rules: { ...NEW_CLAUDE, id: 'claude-sonnet-5', tools: { ...NEW_CLAUDE.tools, ...firstTool(465) } },
  },
  { models: ['claude-haiku-4', 'claude-sonnet-4', 'claude-opus-4'], rules: CLAUDE },
  { models: ['claude-opus-4-7', 'claude-opus-4-8', 'claude-opus-4-9'], rules: NEW_CLAUDE },
  {
    models: [
      'claude-1',
      'claude-2',
      'claude-3',
      'claude-instant',
      'claude-sonnet-4-0',
      'claude-sonnet-4-2',
      'claude-opus-4-0',
      'claude-opus-4-1',
      'claude-opus-4-2',
    ],
    rules: BEFORE_CLAUDE_4_5,
  },
  { models: ['gemini-', 'gemma'], rules: GEMINI_3 },
  { models: ['gemini-1', 'gemini-2.0'], rules: GEMINI_2_0 },
  { models: ['gemini-2.5'], rules: GEMINI },
  { models: ['gemini-3'], provider: 'google-vertex', rules: GEMINI_VERTEX },
  { models: ['mistral', 'ministral', 'magistral', 'pixtral', 'codestral', 'devstral'], rules: MISTRAL },
  { models: ['mistral-small'], rules: { ...MISTRAL, id: 'mistral-small', requestTokens: 14 } },
  { models: ['llama'], rules: LLAMA },
  // Its template begins with dates.
  { models: ['llama3.', 'llama-3.'], rules: { ...LLAMA, id: 'llama-3', requestTokens: 31 } },
  {
    models: ['llama-4', 'llama4'],
    provider: 'groq',
    rules: {
      ...LLAMA,
      id: 'llama-4-groq',
      tools: { ...LLAMA.tools, factor: 1.22, ...firstTool(655), omitsWhenForbidden: true },
    },
  },
  { models: ['deepseek', 'r1-'], rules: DEEPSEEK },
  { models: ['deepseek-v4'], rules: { ...DEEPSEEK, id: 'deepseek-4', requestTokens: 82 } },
  { models: ['nova'], rules: NOVA },
  { models: ['nova-2'], rules: { ...NOVA, id: 'nova-2', tools: { ...NOVA.tools, ...firstTool(853) } } },
  { models: ['qwen'], rules: QWEN },
  {
    models: ['qwen-3-coder', 'qwen3-coder'],
    rules: { ...QWEN, id: 'qwen-3-coder', tools: { ...QWEN.tools, ...firstTool(236) } },
  },
  { models: ['glm', 'zai-glm'], rules: GLM },
  { models: ['command'], rules: COHERE },
];
