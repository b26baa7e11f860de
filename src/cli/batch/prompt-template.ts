import { FarthingError } from '../../core/errors.ts';

/** Fills a template from the fields of a record. @internal */
export type PromptTemplate = (cells: readonly string[]) => string;

/** A name in braces, or a doubled brace, which stands for the brace itself. */
const MARK = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

/**
 * Reads a template such as `Translate {text} into {lang}`, where a name in braces is a column. `{{` and `}}` are braces.
 * @throws FarthingError `configuration` for a name that is no column, and for a brace that stands alone.
 * @internal
 */
export function promptTemplate(template: string, columns: readonly string[]): PromptTemplate {
  const parts: (string | number)[] = [];
  let behind = 0;
  for (const match of template.matchAll(MARK)) {
    parts.push(template.slice(behind, match.index));
    behind = match.index + match[0].length;
    parts.push(partOf(match[0], match[1], columns));
  }
  parts.push(template.slice(behind));
  if (!parts.some((part) => typeof part === 'number')) {
    throw new FarthingError('configuration', `--template names no column; there are ${listed(columns)}`);
  }
  return (cells) => parts.map((part) => (typeof part === 'string' ? part : (cells[part] ?? ''))).join('');
}

function partOf(mark: string, name: string | undefined, columns: readonly string[]): string | number {
  if (mark === '{{') return '{';
  if (mark === '}}') return '}';
  if (name === undefined) {
    throw new FarthingError('configuration', `--template: a "${mark}" stands alone; a brace itself is written twice`);
  }
  const column = columns.indexOf(name.trim());
  if (column === -1) {
    throw new FarthingError('configuration', `--template: {${name}} is no column; there are ${listed(columns)}`);
  }
  return column;
}

function listed(columns: readonly string[]): string {
  return columns.map((column) => `{${column}}`).join(', ');
}
