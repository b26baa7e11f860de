import { asObject, asText, type JsonObject } from '../json-value.ts';
import { promptTokens } from '../prompt-tokens.ts';
import type { BatchRowRequest, BatchRows } from './simulated-batch.ts';

/** What is wrong with a batch, in the words of its `errors.data`. @internal */
export interface BatchLineFault {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  /** From 1; null for what is wrong with the whole. */
  readonly line: number | null;
}

/** What the lines of an input file are. @internal */
export interface CheckedLines {
  readonly rows: BatchRows;
  readonly faults: readonly BatchLineFault[];
  /** The model of the first line that names one. */
  readonly model: string;
  /** Tokens of all prompts. */
  readonly inputTokens: number;
}

/** What lines are held against. @internal */
export interface LineRules {
  readonly endpoint: string;
  readonly maxRequests: number;
  /** The models that batches may use there. */
  readonly models: readonly string[];
  /** Whether prompts are counted, which costs time. */
  readonly countsTokens: boolean;
}

/** Faults that are told; ours: nobody reads more. */
const MAX_FAULTS = 1000;
/** Inputs of embeddings in all rows of a batch (OpenAI, batch guide). */
const MAX_EMBEDDING_INPUTS = 50_000;
/** Of a batch that fails. @internal */
export const NO_ROWS: BatchRows = {
  count: 0,
  row: () => {
    throw new RangeError('a batch that failed has no rows');
  },
};

/** Looks at the lines of an input file as the provider does while a batch is `validating`. @internal */
export function checkLines(lines: readonly Buffer[], rules: LineRules): CheckedLines {
  const check = new LineCheck(rules);
  const used: Buffer[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.toString('latin1').trim() === '') continue;
    used.push(line);
    check.line(line, index + 1);
  }
  check.end(used.length);
  const { faults, model, inputTokens } = check;
  return { rows: faults.length > 0 ? NO_ROWS : rowsOf(used), faults, model: model ?? '', inputTokens };
}

function rowsOf(lines: readonly Buffer[]): BatchRows {
  return {
    count: lines.length,
    row(index): BatchRowRequest {
      const line = parsed(lines[index] ?? Buffer.alloc(0)) ?? {};
      return { customId: asText(line['custom_id']) ?? '', body: asObject(line['body']) ?? {} };
    },
  };
}

function parsed(line: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(line.toString('utf8')));
  } catch {
    return undefined;
  }
}

class LineCheck {
  readonly faults: BatchLineFault[] = [];
  model: string | undefined;
  inputTokens = 0;
  readonly #rules: LineRules;
  readonly #seen: Set<string> = new Set<string>();
  #inputs = 0;

  constructor(rules: LineRules) {
    this.#rules = rules;
  }

  line(bytes: Buffer, number: number): void {
    const line = parsed(bytes);
    if (line === undefined) {
      this.#fault('invalid_json_line', 'This line is not parseable as valid JSON.', null, number);
      return;
    }
    const found = this.#faultOf(line, asObject(line['body']));
    if (found !== undefined) this.#fault(...found, number);
  }

  end(requests: number): void {
    const { maxRequests } = this.#rules;
    if (requests === 0) this.#fault('empty_file', 'The input file is empty.', null, null);
    if (requests > maxRequests) {
      this.#fault('too_many_tasks', `The batch has ${requests} requests; the limit is ${maxRequests}.`, null, null);
    }
    if (this.#inputs > MAX_EMBEDDING_INPUTS) {
      const message = `The batch has ${this.#inputs} embedding inputs; the limit is ${MAX_EMBEDDING_INPUTS}.`;
      this.#fault('too_many_tasks', message, null, null);
    }
  }

  #faultOf(line: JsonObject, body: JsonObject | undefined): [string, string, string | null] | undefined {
    const customId = asText(line['custom_id']);
    if (customId === undefined || customId === '') {
      return ['missing_required_parameter', "Missing required parameter: 'custom_id'.", 'custom_id'];
    }
    if (this.#seen.has(customId)) {
      return ['duplicate_custom_id', `The custom_id '${customId}' is used more than once.`, 'custom_id'];
    }
    this.#seen.add(customId);
    if (line['method'] !== 'POST') return ['invalid_method', "The method must be 'POST'.", 'method'];
    if (line['url'] !== this.#rules.endpoint) {
      return ['url_mismatch', `The URL does not match the batch's endpoint '${this.#rules.endpoint}'.`, 'url'];
    }
    if (body === undefined) return ['missing_required_parameter', "Missing required parameter: 'body'.", 'body'];
    return this.#modelFault(body);
  }

  #modelFault(body: JsonObject): [string, string, string | null] | undefined {
    const model = asText(body['model']);
    if (model === undefined || !this.#rules.models.includes(model)) {
      return [
        'model_not_found',
        `The provided model '${model ?? ''}' is not supported by the Batch API.`,
        'body.model',
      ];
    }
    this.model ??= model;
    if (model !== this.model) {
      return ['model_mismatch', 'The model for this request does not match the rest of the batch.', 'body.model'];
    }
    if (this.#rules.endpoint === '/v1/embeddings')
      this.#inputs += Array.isArray(body['input']) ? body['input'].length : 1;
    if (this.#rules.countsTokens) this.inputTokens += promptTokens(this.#rules.endpoint, body);
    return undefined;
  }

  #fault(code: string, message: string, param: string | null, line: number | null): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ code, message, param, line });
  }
}
