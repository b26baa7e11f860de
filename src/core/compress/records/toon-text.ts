import { toonLegend } from '../records-legend.ts';
import type { JsonNode } from './json-node.ts';
import { memberOf, type RecordField, recordFields } from './record-fields.ts';

/** A table of one row is longer than its object. */
const MIN_ROWS = 2;
const INDENT = '  ';
const BARE_KEY = /^[A-Za-z_][\w.]*$/;
const LITERAL = /^(?:true|false|null|[-+]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const SPECIAL = /[:"\\[\]{},\n\t]|^[-+#]|^\s|\s$/;
/** TOON knows no minus zero, and no number beyond a double. */
const ZERO = /^-0(?:\.0+)?(?:[eE]|$)/;

/**
 * JSON in Token-Oriented Object Notation (https://github.com/toon-format/spec, version 4) with the legend in front: objects by indent, uniform records as
 * tables. Undefined where it holds no table, or something that would be no shorter (mixed arrays, arrays of arrays).
 * @internal
 */
export function toonText(node: JsonNode): string | undefined {
  const writer = new ToonWriter();
  if (node.kind === 'object') writer.members(node, '');
  else if (node.kind === 'array') writer.array('', node, '');
  return writer.isPossible && writer.tables > 0 ? toonLegend(writer.lines.length) + writer.lines.join('\n') : undefined;
}

class ToonWriter {
  readonly lines: string[] = [];
  tables = 0;
  isPossible = true;

  members(node: JsonNode & { readonly kind: 'object' }, indent: string): void {
    for (const { key, value } of node.members) {
      const name = keyText(key);
      if (value.kind === 'array') this.array(indent + name, value, indent);
      else if (value.kind === 'object') {
        this.lines.push(`${indent}${name}:`);
        this.members(value, indent + INDENT);
      } else this.lines.push(`${indent}${name}: ${this.#cell(value)}`);
    }
  }

  array(name: string, { items }: JsonNode & { readonly kind: 'array' }, indent: string): void {
    const fields = items.length < MIN_ROWS ? undefined : recordFields(items);
    if (items.length === 0) this.lines.push(name === '' ? '[]' : `${name}: []`);
    else if (fields !== undefined) {
      this.tables += 1;
      this.lines.push(`${name}[${items.length}]${fieldsText(fields)}:`);
      for (const item of items) this.lines.push(indent + INDENT + this.#row(item, fields).join(','));
    } else if (items.every(({ kind }) => kind === 'string' || kind === 'literal')) {
      this.lines.push(`${name}[${items.length}]: ${items.map((item) => this.#cell(item)).join(',')}`);
    } else this.isPossible = false;
  }

  #row(node: JsonNode, fields: readonly RecordField[]): readonly string[] {
    const members = node.kind === 'object' ? node.members : [];
    return fields.flatMap(({ key, fields: inner }, index) => {
      const value = memberOf(members, index, key);
      if (value === undefined) return [];
      return inner === undefined ? [this.#cell(value)] : this.#row(value, inner);
    });
  }

  #cell(node: JsonNode): string {
    if (node.kind === 'string') return stringText(node.value);
    if (node.kind !== 'literal') return '';
    const isNumber = /^[-\d]/.test(node.lexeme);
    if (isNumber && (ZERO.test(node.lexeme) || !Number.isFinite(Number(node.lexeme)))) this.isPossible = false;
    return node.lexeme;
  }
}

function fieldsText(fields: readonly RecordField[]): string {
  const names = fields.map(({ key, fields: inner }) => keyText(key) + (inner === undefined ? '' : fieldsText(inner)));
  return `{${names.join(',')}}`;
}

function keyText(key: string): string {
  return BARE_KEY.test(key) ? key : quoted(key);
}

function stringText(value: string): string {
  return value === '' || LITERAL.test(value) || SPECIAL.test(value) ? quoted(value) : value;
}

function quoted(value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  return `"${escaped}"`;
}
