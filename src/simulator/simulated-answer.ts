import type { Random } from '../ports/clock.ts';
import { integerBetween, logNormal, pick, sigmaOf } from './chance.ts';
import type { JsonObject } from './json-value.ts';
import { cutToBytes, prose } from './prose.ts';
import { schemaSample } from './schema-sample.ts';
import { countTokens, TOKEN_BYTES } from './token-count.ts';

/** A tool that the caller offers. @internal */
export interface OfferedTool {
  readonly name: string;
  readonly schema: JsonObject;
}

/** What an answer has to be. @internal */
export interface AnswerBrief {
  readonly random: Random;
  /** The most tokens that may be generated, reasoning included. */
  readonly maxTokens: number;
  /** Reasoning tokens for each token of the answer. */
  readonly reasoningRatio: number;
  /** Tools of which one is called; none when empty. */
  readonly tools: readonly OfferedTool[];
  /** How often a tool is called with something missing. */
  readonly wrongArgumentsRatio: number;
  /** The structure that the text must have. */
  readonly schema: JsonObject | undefined;
  /** Whether the caller asked for a long answer. */
  readonly isLong: boolean;
}

/** What the simulated model says. @internal */
export interface SimulatedAnswer {
  readonly reasoningTokens: number;
  /** Empty when a tool is called or reasoning took all that was allowed. */
  readonly text: string;
  readonly textTokens: number;
  readonly toolCall: { readonly name: string; readonly argumentsJson: string; readonly tokens: number } | undefined;
  readonly finish: 'complete' | 'length' | 'tool-call';
}

/**
 * Length of answers in tokens: the Azure 2023 conversation trace has 129 at the median and 451 at the 95th percentile.
 */
const MEDIAN_TOKENS = 129;
const P95_TOKENS = 451;
const MIN_TOKENS = 12;
const MAX_TOKENS = 1500;
/** Least length of an answer that was asked to go into detail: so long that a reader may well leave before its end. */
const MIN_LONG_TOKENS = 900;
/** Tokens around a tool call (names of fields, delimiters). */
const TOOL_CALL_TOKENS = 8;

/** Makes up an answer. All chance is the brief's, so the same brief gives the same answer. @internal */
export function simulatedAnswer(brief: AnswerBrief): SimulatedAnswer {
  const { random } = brief;
  if (brief.tools.length > 0) return toolAnswer(brief);
  const drawn = Math.round(logNormal(random, MEDIAN_TOKENS, sigmaOf(MEDIAN_TOKENS, P95_TOKENS)));
  const lengthTokens = Math.min(MAX_TOKENS, Math.max(brief.isLong ? MIN_LONG_TOKENS : MIN_TOKENS, drawn));
  const reasoning = Math.ceil(lengthTokens * brief.reasoningRatio);
  const reasoningTokens = Math.min(reasoning, brief.maxTokens);
  const whole =
    brief.schema === undefined
      ? prose(random, lengthTokens * TOKEN_BYTES)
      : JSON.stringify(schemaSample(brief.schema, random));
  const text = cutToBytes(whole, (brief.maxTokens - reasoningTokens) * TOKEN_BYTES);
  const isCut = text.length < whole.length || reasoningTokens < reasoning;
  return {
    reasoningTokens,
    text,
    textTokens: countTokens(text),
    toolCall: undefined,
    finish: isCut ? 'length' : 'complete',
  };
}

function toolAnswer(brief: AnswerBrief): SimulatedAnswer {
  const { random } = brief;
  const isWrong = brief.wrongArgumentsRatio > 0 && random.fraction() < brief.wrongArgumentsRatio;
  const tool = pick(random, brief.tools);
  // Every argument is one that a schema may require.
  const argumentsJson = isWrong ? '{}' : JSON.stringify(schemaSample(tool.schema, random));
  const tokens = countTokens(tool.name) + countTokens(argumentsJson) + TOOL_CALL_TOKENS;
  const reasoning = brief.reasoningRatio === 0 ? 0 : integerBetween(random, 16, 96);
  const nothing = { text: '', textTokens: 0, toolCall: undefined };
  if (reasoning + tokens > brief.maxTokens) {
    return { ...nothing, reasoningTokens: Math.min(reasoning, brief.maxTokens), finish: 'length' };
  }
  return {
    ...nothing,
    reasoningTokens: reasoning,
    toolCall: { name: tool.name, argumentsJson, tokens },
    finish: 'tool-call',
  };
}

/** All tokens that the answer was generated with. @internal */
export function answerTokens(answer: SimulatedAnswer): number {
  return answer.reasoningTokens + answer.textTokens + (answer.toolCall?.tokens ?? 0);
}

/** A piece of an answer as it streams. @internal */
export interface AnswerPiece {
  readonly text: string;
  /** Tokens of the text up to the end of this piece. */
  readonly tokens: number;
}

/** Characters in a piece: about six tokens, as several tokens often share an event on a real stream. */
const PIECE_CHARACTERS = 24;

/** Cuts a text into the pieces that a stream carries. @internal */
export function answerPieces(text: string): readonly AnswerPiece[] {
  const pieces: AnswerPiece[] = [];
  let bytes = 0;
  for (let start = 0; start < text.length; start += PIECE_CHARACTERS) {
    const piece = text.slice(start, start + PIECE_CHARACTERS);
    bytes += Buffer.byteLength(piece);
    pieces.push({ text: piece, tokens: Math.ceil(bytes / TOKEN_BYTES) });
  }
  return pieces;
}
