import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runPaths } from './run-paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'farthing-paths-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function at(name: string): string {
  return join(folder, name);
}

test('results stand beside the input, and what is kept of the run beside them', () => {
  expect(runPaths(at('rows.csv'), undefined)).toEqual({
    results: at('rows.results.jsonl'),
    journal: at('rows.results.jsonl.journal'),
    locked: at('rows.results.jsonl'),
  });
  expect(runPaths(at('rows.csv'), '-')).toEqual({
    results: undefined,
    journal: at('rows.results.jsonl.journal'),
    locked: at('rows.results.jsonl'),
  });
});

test('the input is never written over, under whatever name it is given', () => {
  const input = at('in.jsonl');
  writeFileSync(input, 'mine');
  symlinkSync(input, at('link'));
  linkSync(input, at('hard'));
  linkSync(input, at('other.partial'));
  linkSync(input, at('another.journal'));
  for (const out of [input, relative('.', input), at('link'), at('hard'), at('other'), at('another')]) {
    expect(() => runPaths(input, out), out).toThrow('is the input');
  }
  expect(readFileSync(input, 'utf8')).toBe('mine');
});

test('results that could not be given their name are refused before anything is asked', () => {
  mkdirSync(at('out'));
  writeFileSync(at('asked.jsonl'), 'asked');
  expect(() => runPaths(at('asked.jsonl'), at('out'))).toThrow('is no file');
  expect(() => runPaths(at('asked.jsonl'), '/dev/null')).toThrow('is no file');
  expect(() => runPaths(at('asked.jsonl'), at('none/out.jsonl'))).toThrow('there is no folder');
});

test('an input that can be read once is refused', () => {
  expect(() => runPaths('-', undefined)).toThrow('is read twice');
  expect(() => runPaths('/dev/null', at('out.jsonl'))).toThrow('is read twice');
});
