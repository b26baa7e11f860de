import { csvLegend } from '../records-legend.ts';
import type { JsonNode } from './json-node.ts';
import { memberOf, recordFields } from './record-fields.ts';

/** What a reader would take for a JSON number or literal. */
const LITERAL = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const SPECIAL = /[",\n]|^\s|\s$/;

/**
 * Flat records as CSV (RFC 4180) with the legend in front; undefined where they are none. A bare cell is a JSON number or literal where it is written like one,
 * and a string otherwise; a cell in quotation marks is a string.
 * @internal
 */
export function csvText(node: JsonNode): string | undefined {
  const fields = node.kind === 'array' ? recordFields(node.items) : undefined;
  if (node.kind !== 'array' || fields === undefined || fields.some((field) => field.fields !== undefined)) {
    return undefined;
  }
  const rows = node.items.map((item) => {
    const members = item.kind === 'object' ? item.members : [];
    return fields.map(({ key }, index) => cellOf(memberOf(members, index, key))).join(',');
  });
  const names = fields.map(({ key }) => stringCell(key)).join(',');
  return csvLegend(rows.length) + [names, ...rows].join('\n');
}

function cellOf(node: JsonNode | undefined): string {
  return node?.kind === 'literal' ? node.lexeme : stringCell(node?.kind === 'string' ? node.value : '');
}

function stringCell(value: string): string {
  const isBare = value !== '' && !LITERAL.test(value) && !SPECIAL.test(value);
  return isBare ? value : `"${value.replaceAll('"', '""')}"`;
}
