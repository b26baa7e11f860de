import type { PromptTool } from '../model/prompt.ts';

type Schema = Readonly<Record<string, unknown>>;

const NO_SCHEMA: Schema = {};

/** Deeper levels of a schema are written as `any`. */
const MAX_DEPTH = 24;

/** How much longer than its JSON a tool may get where its schema refers to the same part again and again; what comes behind that is `any`. */
const MAX_GROWTH = 4;
const MIN_CHARACTERS = 20_000;

/** Descriptions of properties deeper than the second level are not shown to the model. */
const DESCRIBED_LEVELS = 2;

/** What is known while one schema is written: its root, to which references point, and how many characters may still come. */
interface Writing {
  readonly root: Schema;
  charactersLeft: number;
}

/**
 * The tools as OpenAI shows them to its models and bills them: declarations like TypeScript's, not JSON. Derived from the `usage` of recorded calls, whose
 * counts it meets to the token for gpt-4o and gpt-4.1 (22 different lists of tools) and for gpt-5: lines of descriptions are trimmed, references written
 * out, enums and unions joined by `|`, defaults put behind as a comment; titles, `additionalProperties` and formats cost nothing.
 *
 * Never throws, whatever the schemas are.
 * @returns an empty string without any function or custom tool.
 * @public
 */
export function openaiToolsText(tools: readonly PromptTool[]): string {
  const described = tools.filter((tool) => tool.kind !== 'hosted');
  if (described.length === 0) return '';
  const lines = ['namespace functions {', ''];
  for (const tool of described) {
    if (tool.description !== '') lines.push(comment(tool.description));
    lines.push(tool.kind === 'custom' ? customDeclaration(tool) : declaration(tool), '');
  }
  lines.push('} // namespace functions');
  return lines.join('\n');
}

/** Whether a tool takes any arguments. @internal */
export function hasParameters({ kind, parameters }: PromptTool): boolean {
  return kind === 'function' && Object.keys(objectOf(objectOf(parameters)['properties'])).length > 0;
}

function declaration(tool: PromptTool): string {
  if (!hasParameters(tool)) return `type ${tool.name} = () => any;`;
  const root = objectOf(tool.parameters);
  const writing: Writing = { root, charactersLeft: MIN_CHARACTERS + MAX_GROWTH * tool.text.length };
  return `type ${tool.name} = (_: {${propertyLines(root, 0, 0, writing)}}) => any;`;
}

/** A custom tool takes free text, or text that fits a grammar, which is shown as well. */
function customDeclaration({ name, parameters }: PromptTool): string {
  const { grammar, definition } = objectOf(parameters);
  const rules = objectOf(grammar)['definition'] ?? definition;
  const written = typeof rules === 'string' ? `${comment(rules)}\n` : '';
  return `${written}type ${name} = (_: string) => any;`;
}

/** Each line of a description is trimmed, and so is the whole: found by counting, with three lists of tools. */
function comment(description: string): string {
  const lines = description.split('\n').map((line) => line.trim());
  return `// ${lines.join('\n').trim()}`;
}

function propertyLines(schema: Schema, indent: number, depth: number, writing: Writing): string {
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const names = new Set(required);
  writing.charactersLeft -= required.length;
  const entries = Object.entries(objectOf(schema['properties']));
  const lines: string[] = [];
  for (const [index, [name, value]] of entries.entries()) {
    if (writing.charactersLeft <= 0) break;
    writing.charactersLeft -= name.length + indent;
    const property = objectOf(value);
    const { description } = property;
    if (typeof description === 'string' && description !== '' && indent < 2 * DESCRIBED_LEVELS - 2) {
      writing.charactersLeft -= description.length;
      lines.push(comment(description));
    }
    const mark = names.has(name) ? '' : '?';
    const comma = index === entries.length - 1 ? '' : ',';
    lines.push(
      `${name}${mark}: ${typeText(value, indent, depth + 1, writing)}${comma}${defaultComment(property, writing)}`,
    );
  }
  const padding = ' '.repeat(indent);
  return lines.map((line) => `${padding}${line}`).join('\n');
}

function defaultComment(property: Schema, writing: Writing): string {
  const standard = property['default'];
  return standard === undefined ? '' : ` // default: ${literal(standard, writing)}`;
}

function typeText(value: unknown, indent: number, depth: number, writing: Writing): string {
  writing.charactersLeft -= 4;
  if (depth > MAX_DEPTH || writing.charactersLeft <= 0) return 'any';
  const schema = objectOf(value);
  const { $ref, enum: choices, type } = schema;
  if (typeof $ref === 'string') return typeText(referred($ref, writing.root), indent, depth + 1, writing);
  if (Array.isArray(choices)) return choices.map((choice) => literal(choice, writing)).join(' | ');
  if (schema['const'] !== undefined) return literal(schema['const'], writing);
  const options = schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf'];
  if (Array.isArray(options)) return options.map((option) => typeText(option, indent, depth + 1, writing)).join(' | ');
  if (Array.isArray(type)) {
    const { items, properties, required } = schema;
    const each = (one: unknown): Schema => ({ type: one, items, properties, required });
    return type.map((one) => typeText(each(one), indent, depth + 1, writing)).join(' | ');
  }
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return `${typeText(schema['items'], indent, depth + 1, writing)}[]`;
    case 'object':
      return objectText(schema, indent, depth, writing);
    default:
      return schema['properties'] === undefined ? 'any' : objectText(schema, indent, depth, writing);
  }
}

function objectText(schema: Schema, indent: number, depth: number, writing: Writing): string {
  if (Object.keys(objectOf(schema['properties'])).length === 0) return 'object';
  return `{\n${propertyLines(schema, indent + 2, depth, writing)}\n}`;
}

/** Follows a reference into the same schema: `#/$defs/Name`. */
function referred(reference: string, root: Schema): unknown {
  if (!reference.startsWith('#/')) return undefined;
  let current: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const container = objectOf(current);
    current = Object.hasOwn(container, name) ? container[name] : undefined;
  }
  return current;
}

function literal(value: unknown, writing: Writing): string {
  if (writing.charactersLeft <= 0) return 'any';
  const text = (typeof value === 'object' && value !== null ? nestedLiteral(value) : JSON.stringify(value)) ?? 'any';
  writing.charactersLeft -= text.length;
  return text;
}

/** `JSON.stringify` recurses, so a value of thousands of levels throws. */
function nestedLiteral(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'any';
  }
}

function objectOf(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : NO_SCHEMA;
}
