import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeVersionFault } from './node-version.ts';

test.each(['22.19.0', '22.19.1', '22.20.0', '23.0.0', '24.21.0', '100.0.0-nightly2026'])(
  'Node %s will do',
  (version) => {
    expect(nodeVersionFault(version)).toBeUndefined();
  },
);

test.each(['22.18.9', '22.9.0', '20.20.2', '18.0.0', '4.9.1', '0.12.0'])(
  'Node %s is refused in one line',
  (version) => {
    expect(nodeVersionFault(version)).toBe(`farthing needs Node 22.19 or newer; this is Node ${version}`);
  },
);

test("the oldest is that of the package's `engines`", () => {
  const { engines }: { engines: { node: string } } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  );
  const least = engines.node.replace('>=', '');
  const [major = 0, minor = 0] = least.split('.').map(Number);
  expect(nodeVersionFault(`${least}.0`)).toBeUndefined();
  expect(nodeVersionFault(`${major}.${minor - 1}.99`)).toContain(`Node ${least} or newer`);
});

test('the first file loads nothing before the look at the version that an old Node could not load', () => {
  const imports = (file: string): string[] => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    return [...text.matchAll(/^import .*from '(.*)';$/gm)].map(([, from]) => from ?? '');
  };
  expect(imports('main.ts')).toEqual(['./exit-codes.ts', './node-version.ts']);
  expect([...imports('exit-codes.ts'), ...imports('node-version.ts')]).toEqual([]);
});
