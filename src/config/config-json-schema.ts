import * as z from 'zod';
import { CONFIG_DEFAULTS } from './config-defaults.ts';
import { patternParts } from './config-path.ts';
import { SECTION_SCHEMAS } from './config-schema.ts';
import { SECRET_PATTERNS } from './secret-paths.ts';

/** A node of a JSON Schema, as far as it is touched here. @internal */
interface SchemaNode {
  [keyword: string]: unknown;
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  required?: string[];
  type?: unknown;
}

/**
 * The JSON Schema (2020-12) of a configuration file, for editors: descriptions, defaults, and `x-unit` with the unit of each value.
 * It is a little more generous than the loader, which also checks what lies between values.
 * @public
 */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const made = z.toJSONSchema(z.strictObject(SECTION_SCHEMAS), { io: 'input', unrepresentable: 'any' });
  // A copy through text drops the keywords that are set to undefined.
  const schema: SchemaNode = JSON.parse(JSON.stringify(made));
  for (const [pattern, text] of Object.entries(CONFIG_DEFAULTS)) {
    const node = follow(schema, patternParts(pattern), true);
    if (node !== undefined) node['default'] = defaultValue(node, text);
  }
  for (const pattern of SECRET_PATTERNS) {
    const node = follow(schema, patternParts(pattern), false);
    if (node !== undefined) node['writeOnly'] = true;
  }
  return { $schema: schema['$schema'], title: 'Farthing configuration', ...schema };
}

/** The node that a pattern means; on the way, what has a default is no longer required. */
function follow(root: SchemaNode, parts: readonly string[], hasDefault: boolean): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const [index, part] of parts.entries()) {
    if (node === undefined) return undefined;
    const name = part.replace(/\?$/, '');
    const branches: readonly SchemaNode[] = [node, ...(node.anyOf ?? [])];
    const holder: SchemaNode | undefined = branches.find((branch) => memberOf(branch, name) !== undefined);
    // A default inside the members of a list or record does not make the list or record itself.
    const isMade = hasDefault && !parts.slice(index + 1).some((later) => later === '*' || later === '[]');
    if (isMade && holder?.required !== undefined) {
      holder.required = holder.required.filter((other) => other !== name);
    }
    node = holder === undefined ? undefined : memberOf(holder, name);
  }
  return node;
}

function memberOf(node: SchemaNode, part: string): SchemaNode | undefined {
  if (part === '[]') return node.items;
  if (part !== '*') return node.properties?.[part];
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

/** The default in JSON's own kind of value where the file would be written so. */
function defaultValue(node: SchemaNode, text: string): unknown {
  const types = new Set([node.type, ...(node.anyOf ?? []).map(({ type }) => type)]);
  if (types.has('integer') || types.has('number')) return Number(text);
  return types.has('boolean') ? text === 'true' : text;
}
