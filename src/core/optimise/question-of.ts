/** A text that asks something about what stands in it. @public */
export interface AskedText {
  /** What is asked, in what stands before and behind the context. */
  readonly question: string;
  /** Where the context begins and ends, as string offsets. */
  readonly start: number;
  readonly end: number;
}

/** Longer paragraphs at the ends of a text are context, not a question about it. Ours: a question with its instructions seldom has more. */
const MAX_QUESTION_CHARS = 2000;

/** The context must be this share of the text at least, or there is nothing to choose from. */
const LEAST_CONTEXT_RATIO = 0.6;

/** Question marks of the scripts that have one. */
const QUESTION_MARK = /[?？؟՞]/;

const PARAGRAPH_BREAK = /\n[ \t]*\n/g;

/**
 * Finds the question in a text that brings its context along: its first and its last paragraph, where they are short. (Prompts put the question before the
 * documents or behind them, or instructions before and the question behind.)
 * @returns undefined where neither end is short enough or what is between them is not most of the text: then nobody knows what is asked.
 * @public
 */
export function questionOf(text: string): AskedText | undefined {
  const breaks = [...text.matchAll(PARAGRAPH_BREAK)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  const first = breaks[0];
  const last = breaks.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const head = first.start <= MAX_QUESTION_CHARS ? text.slice(0, first.start) : '';
  const tail = text.length - last.end <= MAX_QUESTION_CHARS ? text.slice(last.end) : '';
  // A short first paragraph may be the first document: it asks nothing when the end does.
  const asking = [head, tail].filter((part) => QUESTION_MARK.test(part));
  const question = (asking.length === 0 ? [head, tail] : asking).join('\n').trim();
  const start = head === '' ? 0 : first.end;
  const end = tail === '' ? text.length : last.start;
  if (question === '' || end - start < LEAST_CONTEXT_RATIO * text.length) return undefined;
  return { question, start, end };
}
