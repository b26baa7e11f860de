import { createHash } from 'node:crypto';
import { usageOf, type Usage } from '../core/model/usage.ts';
import type { JsonObject } from './json-value.ts';
import { accountPrompt } from './prompt-accounting.ts';
import { PromptCache } from './prompt-cache.ts';
import { renderPrompt, type PromptSegment } from './rendered-prompt.ts';
import { seededRandom } from './seeded-random.ts';
import { answerTokens, simulatedAnswer, type OfferedTool, type SimulatedAnswer } from './simulated-answer.ts';
import type { SimulatedModel } from './simulated-model.ts';
import { badRequest, type AnsweringContext } from './simulated-reply.ts';

/** A request as the model sees it, whatever the protocol. @internal */
export interface LanguageRequest {
  readonly model: SimulatedModel;
  /** The body without what cannot change the answer (streaming, tags); decides the answer. */
  readonly content: JsonObject;
  readonly segments: readonly PromptSegment[];
  readonly isDeterministic: boolean;
  readonly maxTokens: number;
  readonly reasoningRatio: number;
  readonly tools: readonly OfferedTool[];
  readonly schema: JsonObject | undefined;
  /** The last words of the caller. */
  readonly lastText: string;
  /** How many answers are asked for. */
  readonly choices: number;
  readonly cachesExplicitlyOnly: boolean;
}

/** What the model made of a request. @internal */
export interface LanguageResult {
  readonly answers: readonly SimulatedAnswer[];
  readonly usage: Usage;
  readonly promptTokens: number;
}

/**
 * Longest prompt, in tokens. Below the 200,000 and 272,000 from which providers charge the whole request more, so that one
 * price for each bucket is the whole truth about a simulated bill.
 */
const MAX_PROMPT_TOKENS = 190_000;

/** Contents whose repetitions are counted; then counting starts anew. */
const MAX_COUNTED_CONTENTS = 100_000;

/** The models of the simulated provider: they answer, and they remember the beginnings of prompts. @internal */
export class LanguageModels {
  readonly #cache: PromptCache = new PromptCache();
  readonly #seed: number;
  /** How often each content was answered, so that sampling varies with repetition and not with the order of other requests. */
  readonly #timesAnswered: Map<number, number> = new Map<number, number>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Answers; chance comes from the content, and with sampling on from how often it was asked before as well. */
  answer(request: LanguageRequest, context: AnsweringContext): LanguageResult {
    const prompt = renderPrompt(request.segments);
    if (prompt.tokens > MAX_PROMPT_TOKENS) {
      throw badRequest(
        `This model's maximum context length is ${MAX_PROMPT_TOKENS} tokens. Your input has ${prompt.tokens}.`,
        'messages',
        'context_length_exceeded',
      );
    }
    const plainSeed = seedOf(`${request.model.name}\n${JSON.stringify(request.content)}`);
    const contentSeed = request.isDeterministic
      ? plainSeed
      : seedOf(`${this.#seed} ${plainSeed} ${this.#repetition(plainSeed)}`);
    const answers = Array.from({ length: request.choices }, (_, index) =>
      simulatedAnswer({
        random: seededRandom(contentSeed + index * 7919),
        maxTokens: request.maxTokens,
        reasoningRatio: request.reasoningRatio,
        wrongArgumentsRatio: request.model.wrongArgumentsRatio,
        tools: request.tools,
        schema: request.schema,
        isLong: /\bin (?:great |full )?detail\b/i.test(request.lastText),
      }),
    );
    const account = accountPrompt(prompt, request.model.regime, {
      cache: this.#cache,
      scope: { account: context.account, model: request.model.name },
      nowMs: context.nowMs,
      availableAtMs: context.nowMs + request.model.firstTokenMs * context.latencyScale,
      explicitOnly: request.cachesExplicitlyOnly,
    });
    let output = 0;
    let reasoning = 0;
    for (const answer of answers) {
      output += answerTokens(answer);
      reasoning += answer.reasoningTokens;
    }
    return { answers, usage: usageOf({ ...account, output, reasoning }), promptTokens: prompt.tokens };
  }

  #repetition(contentSeed: number): number {
    if (this.#timesAnswered.size >= MAX_COUNTED_CONTENTS) this.#timesAnswered.clear();
    const times = (this.#timesAnswered.get(contentSeed) ?? 0) + 1;
    this.#timesAnswered.set(contentSeed, times);
    return times;
  }
}

/** A seed for chance that depends on nothing but the text. @internal */
export function seedOf(text: string): number {
  return createHash('sha256').update(text).digest().readInt32LE(0);
}
