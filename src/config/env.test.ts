import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { environment } from './env.ts';

test('no other file of src/ reads the environment', () => {
  const folder = new URL('../', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?<!\.(test|bench))\.ts$/.test(name),
  );
  const readers = files.filter((name) =>
    /process\s*(\?\.|\.)\s*env\b|process\[/.test(readFileSync(new URL(name, folder), 'utf8')),
  );
  expect(readers).toEqual(['config/env.ts']);
  expect(environment()['PATH']).toBe(process.env['PATH']);
});
