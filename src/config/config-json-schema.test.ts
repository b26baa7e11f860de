import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { CONFIG_DEFAULTS } from './config-defaults.ts';
import { configJsonSchema } from './config-json-schema.ts';

test('the committed schema and the table of the guide are up to date', () => {
  const script = new URL('../../scripts/generate-config-schema.mjs', import.meta.url);
  expect(() => execFileSync(process.execPath, [script.pathname, '--check'], { stdio: 'pipe' })).not.toThrow();
});

test('every default stands in the schema, only providers is required, and secrets are marked', () => {
  const schema = configJsonSchema();
  const count = (keyword: string): number => JSON.stringify(schema).split(`"${keyword}":`).length - 1;
  expect(count('default')).toBe(Object.keys(CONFIG_DEFAULTS).length);
  expect(count('writeOnly')).toBe(14);
  expect(schema['required']).toEqual(['providers']);
});

test("an editor's validator accepts the example and refuses an unknown name", () => {
  const schema = z.fromJSONSchema(configJsonSchema());
  const example: Record<string, unknown> = parse(
    readFileSync(new URL('../../examples/farthing.yaml', import.meta.url), 'utf8'),
  );
  expect(schema.safeParse(example).error?.issues).toBeUndefined();
  expect(schema.safeParse({ ...example, cachee: {} }).success).toBe(false);
});
