import { expect, test } from 'vitest';
import { type ReplaceableProcess, replaceByLean } from './lean-process.ts';

interface Replacement {
  readonly file: string;
  readonly words: readonly string[];
  readonly variables: Record<string, string>;
}

function replacement(command: readonly string[], variables: Record<string, string>): Replacement | undefined {
  let made: Replacement | undefined;
  const self: ReplaceableProcess = {
    execPath: process.execPath,
    execArgv: ['--max-semi-space-size=64'],
    argv: ['/bin/node', '/app/main.js', ...command],
    execve: (file, words, set) => (made = { file, words, variables: set }),
  };
  replaceByLean(self, variables);
  return made;
}

test('a run over a list is started again with little memory, and what the user has set holds', () => {
  const made = replacement(['batch', 'run', 'a file.txt', '--yes'], { MALLOC_ARENA_MAX: '4', NODE_OPTIONS: '--x' });
  expect(made?.file).toBe(process.execPath);
  expect(made?.words[0]).toBe(process.execPath);
  expect(made?.words.slice(-6)).toEqual([
    '--max-semi-space-size=64',
    '/app/main.js',
    'batch',
    'run',
    'a file.txt',
    '--yes',
  ]);
  expect(made?.variables).toMatchObject({
    MALLOC_ARENA_MAX: '4',
    MALLOC_TRIM_THRESHOLD_: '131072',
    NODE_OPTIONS: '--x',
  });
});

test('that happens once, and to no other command', () => {
  const first = replacement(['batch', 'run', 'a.txt'], {});
  expect(replacement(['batch', 'run', 'a.txt'], first?.variables ?? {})).toBeUndefined();
  expect(replacement(['batch', 'status'], {})).toBeUndefined();
  expect(replacement(['serve'], {})).toBeUndefined();
});

test('where a process cannot be replaced it goes on as it is', () => {
  const self = {
    execPath: process.execPath,
    execArgv: [],
    argv: ['/bin/node', '/app/main.js', 'batch', 'run', 'a.txt'],
  };
  expect(() => replaceByLean({ ...self, execve: undefined }, {})).not.toThrow();
  const execve = (): never => {
    throw new Error('not permitted');
  };
  expect(() => replaceByLean({ ...self, execve }, {})).not.toThrow();
  let isCalled = false;
  const called = (): boolean => (isCalled = true);
  replaceByLean({ ...self, execPath: '/no/such/node', execve: called }, {});
  expect(isCalled).toBe(false);
});
