import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PromptTool } from '../model/prompt.ts';
import { hasParameters, openaiToolsText } from './openai-tools-text.ts';

function tool(parameters: unknown, description = '', name = 'act'): PromptTool {
  return { kind: 'function', name, description, parameters, text: JSON.stringify({ name, description, parameters }) };
}

function declared(parameters: unknown, description?: string): string {
  return openaiToolsText([tool(parameters, description)])
    .replace('namespace functions {\n\n', '')
    .replace('\n\n} // namespace functions', '');
}

describe('tools are declared as OpenAI shows them', () => {
  test('without arguments, and with their description line by line', () => {
    expect(declared({ type: 'object', properties: {} })).toBe('type act = () => any;');
    expect(declared(undefined, 'Gets it.\n\n    Args:\n        none\n    ')).toBe(
      '// Gets it.\n\nArgs:\nnone\ntype act = () => any;',
    );
  });

  test('properties are marked as optional, described, and have their defaults behind them', () => {
    const schema = {
      type: 'object',
      properties: {
        city: { type: 'string', description: 'Where.', title: 'City' },
        days: { type: 'integer', default: 3, minimum: 1 },
        unit: { enum: ['c', 'f'] },
      },
      required: ['city'],
      additionalProperties: false,
    };
    expect(declared(schema)).toBe(
      'type act = (_: {// Where.\ncity: string,\ndays?: number, // default: 3\nunit?: "c" | "f"}) => any;',
    );
  });

  test('objects and arrays nest, references are written out, unions joined', () => {
    const schema = {
      $defs: { Place: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
      properties: {
        places: { type: 'array', items: { $ref: '#/$defs/Place' } },
        note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        size: { type: ['number', 'null'] },
        kind: { const: 'x' },
        free: {},
        bag: { type: 'object' },
      },
    };
    expect(declared(schema)).toBe(
      'type act = (_: {places?: {\n  name: string\n}[],\nnote?: string | null,\nsize?: number | null,\nkind?: "x",\nfree?: any,\nbag?: object}) => any;',
    );
  });

  test('a custom tool takes text, hosted tools are not declared', () => {
    const custom: PromptTool = { kind: 'custom', name: 'sql', description: 'Runs.', parameters: undefined, text: '{}' };
    const hosted: PromptTool = { ...custom, kind: 'hosted' };
    expect(openaiToolsText([custom, hosted])).toContain('// Runs.\ntype sql = (_: string) => any;');
    expect(openaiToolsText([hosted])).toBe('');
    expect(openaiToolsText([])).toBe('');
    expect(hasParameters(custom)).toBe(false);
  });
});

test('a schema that refers to itself ends, and stays in proportion to its JSON', () => {
  const node = { type: 'object', properties: { next: { $ref: '#/$defs/Node' }, other: { $ref: '#/$defs/Node' } } };
  const schema = { $defs: { Node: node }, properties: { root: { $ref: '#/$defs/Node' }, self: { $ref: '#' } } };
  expect(openaiToolsText([tool(schema)]).length).toBeLessThan(200_000);
});

test('a large part that is referred to a thousand times is not written a thousand times', () => {
  const choices = Array.from({ length: 5000 }, (_, index) => `choice ${index}`);
  const properties = Object.fromEntries(
    Array.from({ length: 1000 }, (_, index) => [`p${index}`, { $ref: '#/$defs/Big' }]),
  );
  const schema = { $defs: { Big: { enum: choices } }, properties };
  expect(openaiToolsText([tool(schema)]).length).toBeLessThan(20 * JSON.stringify(schema).length);
});

test('no schema makes it throw', () => {
  const words = fc.constantFrom('type', 'properties', 'items', '$ref', 'enum', 'anyOf', 'required', 'default', '$defs');
  const leaves = fc.oneof(fc.constantFrom('object', 'array', '#/properties', '#/$defs/a', '#'), fc.jsonValue());
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4 },
      leaves,
      fc.dictionary(fc.oneof(words, fc.string()), tie('schema'), { maxKeys: 4 }),
      fc.array(tie('schema'), { maxLength: 4 }),
    ),
  }));
  fc.assert(
    fc.property(schema, (parameters) => {
      expect(openaiToolsText([tool(parameters)])).toContain('type act = ');
    }),
  );
  let deep: unknown = {};
  for (let level = 0; level < 20_000; level += 1) deep = { type: 'object', properties: { a: deep }, default: deep };
  const bare: PromptTool = {
    kind: 'function',
    name: 'act',
    description: '',
    parameters: { properties: { deep } },
    text: '',
  };
  expect(openaiToolsText([bare])).toContain('deep');
});
