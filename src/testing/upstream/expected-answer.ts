import { seedOf } from '../../simulator/language-model.ts';

/** How long the answers of a faulty upstream are. @public */
export interface AnswerShape {
  /** Parts of an answer; a stream sends each in an event of its own. @defaultValue 12 */
  readonly frames?: number;
  /** UTF-8 bytes of text in a part; at least 24. @defaultValue 24 */
  readonly frameBytes?: number;
}

/** What a good answer says that it used. @public */
export interface AnswerUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const DEFAULT_FRAMES = 12;
const DEFAULT_FRAME_BYTES = 24;
/** Room for the part's mark and a character of two bytes. */
const MIN_FRAME_BYTES = 24;
const BYTES_A_TOKEN = 4;
const DIMENSIONS = 8;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** A shape with nothing left open. @throws RangeError when parts are shorter than 24 bytes. @internal */
export function answerShape(shape: AnswerShape = {}): Required<AnswerShape> {
  const { frames = DEFAULT_FRAMES, frameBytes = DEFAULT_FRAME_BYTES } = shape;
  if (frameBytes < MIN_FRAME_BYTES) throw new RangeError(`frameBytes is at least ${MIN_FRAME_BYTES}`);
  return { frames, frameBytes };
}

/**
 * The parts of the answer to a prompt, in order. Each holds a mark of the prompt and its own number, so that an answer to another prompt, a part
 * that is missing and one that comes twice all show.
 * @internal
 */
export function* answerParts(prompt: string, shape: AnswerShape = {}): Generator<string> {
  const { frames, frameBytes } = answerShape(shape);
  const mark = (seedOf(prompt) >>> 0).toString(36);
  for (let index = 0; index < frames; index += 1) {
    // A quote, which JSON escapes, and a character of two bytes, which a cut may split.
    const head = `${mark}-${index}"é`;
    const fillBytes = frameBytes - head.length - 2;
    const letter = LETTERS[index % LETTERS.length] ?? '';
    yield `${head}${letter.repeat(fillBytes)}${index % 2 === 0 ? ' ' : '.'}`;
  }
}

/**
 * The text that a faulty upstream answers a prompt with: always the same for the same last text of the user.
 * @param prompt the last text of the user, or the input of an embedding.
 * @param shape as the upstream was started with.
 * @throws RangeError when parts are shorter than 24 bytes.
 * @example
 * ```ts
 * const upstream = await startFaultyUpstream();
 * // Ask it "hello", then:
 * text === expectedAnswer('hello');
 * ```
 * @public
 */
export function expectedAnswer(prompt: string, shape: AnswerShape = {}): string {
  return [...answerParts(prompt, shape)].join('');
}

/** What the answer to a prompt says that it used. @public */
export function expectedUsage(prompt: string, shape: AnswerShape = {}): AnswerUsage {
  const { frames, frameBytes } = answerShape(shape);
  return { inputTokens: expectedInputTokens(prompt), outputTokens: frames * Math.ceil(frameBytes / BYTES_A_TOKEN) };
}

/** What counting the tokens of a prompt gives. @public */
export function expectedInputTokens(prompt: string): number {
  return 1 + Math.ceil(Buffer.byteLength(prompt) / BYTES_A_TOKEN);
}

/** The vector of an embedding's input: eight numbers that a 32-bit float holds exactly. @public */
export function expectedVector(input: string): readonly number[] {
  const seed = seedOf(input) >>> 0;
  return Array.from({ length: DIMENSIONS }, (_, index) => (((seed >>> (index * 4)) & 15) - 8) / 16 + 1 / 64);
}
