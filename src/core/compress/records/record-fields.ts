import type { JsonMember, JsonNode } from './json-node.ts';

/** A column of records; one with `fields` holds an object that has the same fields in each record. @internal */
export interface RecordField {
  readonly key: string;
  readonly fields: readonly RecordField[] | undefined;
}

/** The fields that all items share, in the order of the first; undefined unless each is an object with just these, and no arrays in them. @internal */
export function recordFields(items: readonly JsonNode[]): readonly RecordField[] | undefined {
  const [first] = items;
  if (first === undefined) return undefined;
  const fields = fieldsOf(first);
  if (fields === undefined) return undefined;
  return items.every((item) => hasFields(item, fields)) ? fields : undefined;
}

/** The value of a field; the records are known to have it. @internal */
export function memberOf(members: readonly JsonMember[], index: number, key: string): JsonNode | undefined {
  const expected = members[index];
  return expected?.key === key ? expected.value : members.find((member) => member.key === key)?.value;
}

function fieldsOf(node: JsonNode): readonly RecordField[] | undefined {
  if (node.kind !== 'object' || node.members.length === 0) return undefined;
  const fields: RecordField[] = [];
  for (const { key, value } of node.members) {
    if (value.kind === 'array') return undefined;
    const inner = value.kind === 'object' ? fieldsOf(value) : undefined;
    if (value.kind === 'object' && inner === undefined) return undefined;
    fields.push({ key, fields: inner });
  }
  return fields;
}

function hasFields(node: JsonNode, fields: readonly RecordField[]): boolean {
  if (node.kind !== 'object' || node.members.length !== fields.length) return false;
  return fields.every(({ key, fields: inner }, index) => {
    const value = memberOf(node.members, index, key);
    if (value === undefined) return false;
    return inner === undefined ? value.kind === 'string' || value.kind === 'literal' : hasFields(value, inner);
  });
}
