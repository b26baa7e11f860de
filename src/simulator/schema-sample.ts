import type { Random } from '../ports/clock.ts';
import { integerBetween, pick } from './chance.ts';
import { asObject, type JsonObject } from './json-value.ts';
import { prose } from './prose.ts';

const MAX_DEPTH = 8;

/**
 * A value that fits a JSON Schema: what a model answers when it has to call a tool or keep to a structure. Understands `type`,
 * `properties`, `required`, `items`, `enum`, `const`, `anyOf`, `oneOf`, `minimum`, `maximum` and local `$ref`.
 * @internal
 */
export function schemaSample(schema: JsonObject, random: Random): unknown {
  return sampleOf(schema, { random, root: schema }, 0);
}

interface Sampling {
  readonly random: Random;
  readonly root: JsonObject;
}

function sampleOf(schema: JsonObject, sampling: Sampling, depth: number): unknown {
  const { random } = sampling;
  if (depth > MAX_DEPTH) return null;
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return pick(random, schema['enum'] as unknown[]);
  const other = referredSchema(schema, sampling);
  if (other !== undefined) return sampleOf(other, sampling, depth + 1);
  const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (type ?? (schema['properties'] === undefined ? 'string' : 'object')) {
    case 'object':
      return objectSample(schema, sampling, depth);
    case 'array': {
      const items = asObject(schema['items']) ?? {};
      return Array.from({ length: integerBetween(random, 1, 3) }, () => sampleOf(items, sampling, depth + 1));
    }
    case 'integer':
      return integerBetween(random, Math.ceil(lowest(schema)), Math.floor(highest(schema)));
    case 'number':
      return Math.min(highest(schema), lowest(schema) + integerBetween(random, 0, 400) / 4);
    case 'boolean':
      return random.fraction() < 0.5;
    case 'null':
      return null;
    default:
      return prose(random, 12).slice(0, 24);
  }
}

function objectSample(schema: JsonObject, sampling: Sampling, depth: number): JsonObject {
  const sample: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(asObject(schema['properties']) ?? {})) {
    sample[name] = sampleOf(asObject(property) ?? {}, sampling, depth + 1);
  }
  return sample;
}

function referredSchema(schema: JsonObject, sampling: Sampling): JsonObject | undefined {
  const reference = schema['$ref'];
  if (typeof reference === 'string' && reference.startsWith('#')) {
    let found: unknown = sampling.root;
    for (const name of reference.split('/').slice(1)) found = asObject(found)?.[name];
    return asObject(found) ?? {};
  }
  const choices: unknown = schema['anyOf'] ?? schema['oneOf'];
  return Array.isArray(choices) ? asObject(choices[0]) : undefined;
}

function lowest(schema: JsonObject): number {
  return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0;
}

function highest(schema: JsonObject): number {
  return typeof schema['maximum'] === 'number' ? schema['maximum'] : lowest(schema) + 100;
}
