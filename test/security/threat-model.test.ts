import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const lines = read('docs/threat-model.md').split('\n');

interface Guard {
  readonly file: string;
  readonly names: readonly string[];
}

/** Last cells of the tables whose last column is `test`. */
function testCells(): readonly string[] {
  const cells: string[] = [];
  let isOfTests = false;
  for (const line of lines) {
    if (!line.startsWith('|')) isOfTests = false;
    else if (/\|\s*test\s*\|$/.test(line)) isOfTests = true;
    else if (isOfTests && !/^\|[\s|-]+$/.test(line)) cells.push(line.split('|').at(-2) ?? '');
  }
  return cells;
}

function guardsOf(cell: string): readonly Guard[] {
  return cell.split('·').map((part) => ({
    file: /`([^`]+)`/.exec(part)?.[1] ?? '',
    names: [...part.matchAll(/“([^”]+)”/g)].map(([, name]) => name ?? ''),
  }));
}

/** Whether a file has a name within a literal: a test's, or a case of one. */
function hasName(file: string, name: string): boolean {
  return read(file)
    .split('\n')
    .some((line) => line.includes(name) && line.search(/['"`]/) < line.indexOf(name));
}

/** What is wrong with a guard: a test file with names of tests, or a gate that runs before every change. */
function faultsOf({ file, names }: Guard): readonly string[] {
  if (file.startsWith('npm run ')) {
    const isGate = read('.ci/run').includes(` npm run -s ${file.slice('npm run '.length)}\n`);
    return isGate ? [] : [`${file} is no gate`];
  }
  if (!file.endsWith('.test.ts') || !existsSync(new URL(`../../${file}`, import.meta.url))) return [`no file ${file}`];
  if (names.length === 0) return [`no name of a test of ${file}`];
  return names.filter((name) => !hasName(file, name)).map((name) => `${file} has no test “${name}”`);
}

test('every threat names a test that is there', () => {
  const cells = testCells();
  expect(cells.length).toBeGreaterThan(35);
  expect(cells.flatMap(guardsOf).flatMap(faultsOf)).toEqual([]);
  expect(
    faultsOf({ file: 'test/security/threat-model.test.ts', names: ['what nobody guards'.toUpperCase()] }),
  ).toHaveLength(1);
  expect(faultsOf({ file: 'npm run nothing:check', names: [] })).toHaveLength(1);
});

test('every test of this folder guards from a threat of the document', () => {
  const named = new Set(testCells().flatMap((cell) => guardsOf(cell).map(({ file }) => file)));
  const own = 'test/security/threat-model.test.ts';
  const files = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/security/${name}`);
  expect(files.filter((file) => file !== own && !named.has(file))).toEqual([]);
});
