import { FarthingError } from '../../core/errors.ts';
import { csvRecords } from './csv-records.ts';
import { type FileLine, fileLines, withoutReturn } from './file-lines.ts';
import { type InputFormat, inputFormat } from './input-format.ts';
import type { LineProblem } from './json-line.ts';
import { type PromptTemplate, promptTemplate } from './prompt-template.ts';
import { type OwnSettings, type PromptLine, promptLine } from './prompt-line.ts';
import { type RequestLine, requestLine } from './request-line.ts';

/** What the command line says of a run's input. @internal */
export interface InputSource {
  readonly path: string;
  /** @defaultValue found out */
  readonly format: InputFormat | undefined;
  /** Makes prompts of the records of a CSV file. */
  readonly template: string | undefined;
  /** The model of prompts, and of requests that name none. */
  readonly model: string | undefined;
}

/** An item of a run, with the line that it began on. @internal */
export type InputItem =
  | { readonly kind: 'prompt'; readonly line: number; readonly prompt: string; readonly own?: OwnSettings }
  | ({ readonly kind: 'request'; readonly line: number } & RequestLine);

/** A line that is no item. @internal */
export interface InputFault extends LineProblem {
  readonly kind: 'fault';
  readonly line: number;
}

/** An input whose format is known. @internal */
export interface BatchInput extends InputSource {
  readonly format: InputFormat;
}

/** Marks UTF-8 at the start of a file; no part of its text. */
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Looks at an input: what it holds, and whether the options fit.
 * @throws FarthingError `configuration`
 * @internal
 */
export async function openInput(source: InputSource): Promise<BatchInput> {
  const format = source.format ?? inputFormat(source.path, await firstText(source.path));
  if (format === 'csv' && source.template === undefined) {
    throw new FarthingError('configuration', `${source.path}: a CSV file needs --template "... {column} ..."`);
  }
  if (format !== 'csv' && source.template !== undefined) {
    throw new FarthingError('configuration', `--template is for CSV files; ${source.path} is taken for ${format}`);
  }
  if ((format === 'lines' || format === 'csv') && source.model === undefined) {
    throw new FarthingError('configuration', `${source.path}: prompts name no model; say --model <model>`);
  }
  return { ...source, format };
}

async function firstText(path: string): Promise<string> {
  for await (const line of markless(fileLines(path))) {
    if ('problem' in line) return '';
    if (line.text.trim() !== '') return line.text;
  }
  throw new FarthingError('configuration', `${path}: is empty`);
}

/**
 * The items of an input in its order, and the lines that are none. Empty lines are left out.
 * @throws FarthingError `configuration` where the file cannot be read, or does not fit its template.
 * @internal
 */
export async function* inputItems(input: BatchInput): AsyncGenerator<InputItem | InputFault> {
  const lines = markless(fileLines(input.path));
  if (input.format === 'csv') {
    yield* recordItems(lines, input.template ?? '');
    return;
  }
  for await (const line of lines) {
    if ('problem' in line) {
      yield { kind: 'fault', line: line.number, problem: line.problem };
      continue;
    }
    const text = withoutReturn(line.text);
    if (text.trim() === '') continue;
    if (input.format === 'lines') yield { kind: 'prompt', line: line.number, prompt: text };
    else if (input.format === 'prompts') yield promptItem(line.number, promptLine(text));
    else yield requestItem(line.number, requestLine(text, input.model));
  }
}

function promptItem(line: number, read: PromptLine | LineProblem): InputItem | InputFault {
  return 'problem' in read ? { kind: 'fault', line, ...read } : { kind: 'prompt', line, ...read };
}

function requestItem(line: number, read: RequestLine | LineProblem): InputItem | InputFault {
  return 'problem' in read ? { kind: 'fault', line, ...read } : { kind: 'request', line, ...read };
}

async function* recordItems(lines: AsyncIterable<FileLine>, template: string): AsyncGenerator<InputItem | InputFault> {
  let columns: readonly string[] | undefined;
  let fill: PromptTemplate | undefined;
  for await (const record of csvRecords(lines)) {
    const line = record.number;
    if ('problem' in record) {
      if (columns === undefined) throw new FarthingError('configuration', `line ${line}: ${record.problem}`);
      yield { kind: 'fault', line, problem: record.problem };
    } else if (columns === undefined || fill === undefined) {
      columns = record.cells.map((cell) => cell.trim());
      fill = promptTemplate(template, columns);
    } else if (record.cells.length === columns.length) {
      yield { kind: 'prompt', line, prompt: fill(record.cells) };
    } else {
      yield { kind: 'fault', line, problem: `has ${record.cells.length} fields, and not ${columns.length}` };
    }
  }
}

async function* markless(lines: AsyncIterable<FileLine>): AsyncGenerator<FileLine> {
  for await (const line of lines) {
    const isMarked = line.number === 1 && 'text' in line && line.text.startsWith(BYTE_ORDER_MARK);
    yield isMarked ? { number: 1, text: line.text.slice(1) } : line;
  }
}
