import type { VisitCost } from './schema-validator-work.ts';

/** How the schemas within a schema are copied. @internal */
export interface SchemaParts {
  /** A schema within. */
  copy(part: unknown): unknown;
  /** The name of what a `$ref` leads to. */
  reference(pointer: string): string;
}

/** What could be read of a schema. @internal */
export interface ReadSchema {
  /** In the words of draft 2020-12. */
  readonly keywords: Readonly<Record<string, unknown>>;
  readonly cost: VisitCost;
}

type Fields = Readonly<Record<string, unknown>>;
type Copied = Record<string, unknown>;

/** Names of types as they come: those of JSON Schema in any letter case (Gemini writes capitals), and those of Python that tools are described with. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['array', 'array'],
  ['list', 'array'],
  ['tuple', 'array'],
  ['boolean', 'boolean'],
  ['bool', 'boolean'],
  ['integer', 'integer'],
  ['int', 'integer'],
  ['null', 'null'],
  ['number', 'number'],
  ['float', 'number'],
  ['double', 'number'],
  ['object', 'object'],
  ['dict', 'object'],
  ['string', 'string'],
  ['str', 'string'],
]);

const COUNTS = ['minProperties', 'maxProperties', 'minItems', 'maxItems', 'minLength', 'maxLength'] as const;
const NUMBERS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const;
const SCHEMAS = ['not', 'if', 'then', 'else', 'propertyNames', 'contains'] as const;
const SCHEMA_LISTS = ['anyOf', 'allOf', 'oneOf'] as const;

/** Reads a schema; `false` allows nothing, and what is no schema allows everything. @internal */
export function readKeywords(schema: unknown, parts: SchemaParts): ReadSchema {
  if (schema === false) return { keywords: { not: parts.copy(true) }, cost: costOf({}) };
  if (!isFields(schema)) return { keywords: {}, cost: costOf({}) };
  const { nullable, ...rest } = schema;
  // OpenAPI's word, which stands beside a type or a reference and widens both.
  if (nullable === true) return { keywords: { anyOf: [parts.copy(rest), parts.copy(ONLY_NULL)] }, cost: costOf({}) };
  const keywords: Copied = {
    ...valueKeywords(schema),
    ...limitKeywords(schema),
    ...combiningKeywords(schema, parts),
    ...objectKeywords(schema, parts),
    ...arrayKeywords(schema, parts),
  };
  return { keywords, cost: costOf(keywords) };
}

const ONLY_NULL: Fields = { type: 'null' };

function valueKeywords(schema: Fields): Copied {
  const copied: Copied = {};
  const named = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  const types = named.map((name) => (typeof name === 'string' ? TYPES.get(name.toLowerCase()) : undefined));
  // One unknown name may mean anything.
  if (types.length > 0 && !types.includes(undefined)) copied['type'] = types;
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) copied['enum'] = schema['enum'];
  if (schema['const'] !== undefined) copied['const'] = schema['const'];
  return copied;
}

function limitKeywords(schema: Fields): Copied {
  const copied: Copied = {};
  for (const name of COUNTS) if (isCount(schema[name])) copied[name] = schema[name];
  for (const name of NUMBERS) if (Number.isFinite(schema[name])) copied[name] = schema[name];
  // Draft 4 has a limit and whether it is itself allowed.
  for (const [flag, limit] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (schema[flag] === true && limit in copied) copied[flag] = copied[limit];
  }
  const step = schema['multipleOf'];
  if (typeof step === 'number' && Number.isFinite(step) && step > 0) copied['multipleOf'] = step;
  if (schema['uniqueItems'] === true) copied['uniqueItems'] = true;
  return copied;
}

function combiningKeywords(schema: Fields, parts: SchemaParts): Copied {
  const copied: Copied = {};
  if (typeof schema['$ref'] === 'string') copied['$ref'] = parts.reference(schema['$ref']);
  for (const name of SCHEMAS) if (isSchema(schema[name])) copied[name] = parts.copy(schema[name]);
  for (const name of SCHEMA_LISTS) {
    const list = schema[name];
    if (Array.isArray(list) && list.length > 0) copied[name] = list.map((part) => parts.copy(part));
  }
  if (isCount(schema['minContains'])) copied['minContains'] = schema['minContains'];
  if (isCount(schema['maxContains'])) copied['maxContains'] = schema['maxContains'];
  return copied;
}

function objectKeywords(schema: Fields, parts: SchemaParts): Copied {
  const copied: Copied = {};
  const { properties, required, dependencies } = schema;
  if (isFields(properties)) copied['properties'] = mapped(properties, (part) => parts.copy(part));
  if (Array.isArray(required)) copied['required'] = required.filter((name) => typeof name === 'string');
  const needed = { ...only(dependencies, Array.isArray), ...only(schema['dependentRequired'], Array.isArray) };
  if (Object.keys(needed).length > 0) copied['dependentRequired'] = needed;
  const implied = { ...only(dependencies, isSchema), ...only(schema['dependentSchemas'], isSchema) };
  if (Object.keys(implied).length > 0) copied['dependentSchemas'] = mapped(implied, (part) => parts.copy(part));
  // Which names a pattern lets in is not asked, so none is unexpected. `unevaluatedProperties` may look into patterns anywhere below: it says nothing.
  const additional = schema['additionalProperties'];
  if (isSchema(additional) && !isFields(schema['patternProperties'])) {
    copied['additionalProperties'] = parts.copy(additional);
  }
  return copied;
}

/** Before draft 2020-12 a list of `items` was what is now `prefixItems`. */
function arrayKeywords(schema: Fields, parts: SchemaParts): Copied {
  const copied: Copied = {};
  const { items, prefixItems } = schema;
  const first = Array.isArray(items) ? items : prefixItems;
  const rest = Array.isArray(items) ? schema['additionalItems'] : items;
  if (Array.isArray(first)) copied['prefixItems'] = first.map((part) => parts.copy(part));
  if (isSchema(rest)) copied['items'] = parts.copy(rest);
  return copied;
}

function costOf(keywords: Fields): VisitCost {
  const { properties, required, enum: values, const: value, dependentRequired } = keywords;
  return {
    names: sizeOf(properties) + sizeOf(required) + weightOf(values) + weightOf(value) + listedIn(dependentRequired),
    measuresStrings: keywords['minLength'] !== undefined || keywords['maxLength'] !== undefined,
    comparesElements: keywords['uniqueItems'] === true,
  };
}

function listedIn(lists: unknown): number {
  return isFields(lists) ? Object.values(lists).reduce((sum: number, list) => sum + sizeOf(list), 0) : 0;
}

function sizeOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}

/** What comparing with a value costs, in names. */
function weightOf(value: unknown): number {
  if (value === undefined) return 0;
  let weight = 0;
  const left: unknown[] = [value];
  for (let part = left.pop(); left.length > 0 || part !== undefined; part = left.pop()) {
    weight += 1 + (typeof part === 'string' ? part.length / 64 : 0);
    // More than any schema may list: refused by whoever counts.
    if (weight > 100_000) return weight;
    if (typeof part === 'object' && part !== null) for (const child of Object.values(part)) left.push(child ?? null);
  }
  return weight;
}

function only(value: unknown, isWanted: (part: unknown) => boolean): Fields {
  const entries = isFields(value) ? Object.entries(value).filter(([, part]) => isWanted(part)) : [];
  return mapped(Object.fromEntries(entries), (part) => part);
}

/** Without a prototype, so that a member called `__proto__` is one like any other. */
function mapped(fields: Fields, change: (part: unknown) => unknown): Copied {
  const copied: Copied = Object.create(null) as Copied;
  for (const [name, part] of Object.entries(fields)) copied[name] = change(part);
  return copied;
}

function isSchema(value: unknown): boolean {
  return typeof value === 'boolean' || isFields(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
