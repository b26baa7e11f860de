import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Environment } from './env.ts';
import { expandText, type Expansion } from './expand.ts';

function readFile(path: string): string {
  if (path === '/run/secrets/key') return 'from-file\r\n';
  throw Object.assign(new Error('a message with content'), { code: 'ENOENT' });
}

function expand(text: string, env: Environment = {}): Expansion {
  return expandText(text, { env, readFile });
}

function expanded(text: string, env: Environment = {}): string {
  const expansion = expand(text, env);
  if (expansion.kind === 'fault') throw new Error(expansion.message);
  return expansion.text;
}

test('a variable stands for its value, several in one text as well', () => {
  expect(expanded('a${env:A}b${env:B}c', { A: '1', B: '2' })).toBe('a1b2c');
});

test('a default is used when the variable is unset or empty, and may be empty itself', () => {
  expect(expanded('${env:A:-x}')).toBe('x');
  expect(expanded('${env:A:-x}', { A: '' })).toBe('x');
  expect(expanded('${env:A:-x}', { A: '1' })).toBe('1');
  expect(expanded('${env:A:-}')).toBe('');
});

test('an empty variable without a default is empty, an unset one is a fault that names it', () => {
  expect(expanded('${env:A}', { A: '' })).toBe('');
  expect(expand('${env:SOME_NAME}')).toMatchObject({
    kind: 'fault',
    message: expect.stringContaining('SOME_NAME is not set'),
  });
});

test('defaults nest, and an unset variable inside a default that is not used is no fault', () => {
  expect(expanded('${env:A:-${env:B:-<${env:C}>}}', { C: 'c' })).toBe('<c>');
  expect(expanded('${env:A:-${env:B}}!', { A: 'a' })).toBe('a!');
  expect(expand('${env:A:-${env:B}}').kind).toBe('fault');
});

test('an escaped reference stays as it is, inside defaults too', () => {
  expect(expanded('$${env:A} $5 } {}')).toBe('${env:A} $5 } {}');
  expect(expanded('${env:A:-$${x}y')).toBe('${xy');
});

test('a value is never expanded again', () => {
  expect(expanded('${env:A}', { A: '${env:B}${file:/etc/passwd}' })).toBe('${env:B}${file:/etc/passwd}');
});

test('a file stands for its text without line ends at its end, and its error says nothing of what is in it', () => {
  expect(expanded('${file:/run/secrets/key}')).toBe('from-file');
  expect(expanded('${file:${env:DIR}/key}', { DIR: '/run/secrets' })).toBe('from-file');
  expect(expand('${file:/nowhere}')).toEqual({ kind: 'fault', message: 'cannot read the file /nowhere (ENOENT)' });
});

test('an unclosed or unknown reference is a fault', () => {
  const texts = [
    '${env:A',
    '${env:A:-x',
    '${file:/x',
    '${',
    '${}',
    '${A}',
    '${env:}',
    '${env:9}',
    '${env:A-x}',
    '${exec:ls}',
  ];
  expect(texts.filter((text) => expand(text, { A: 'a' }).kind !== 'fault')).toEqual([]);
});

test('names of Object.prototype are no variables', () => {
  expect(expand('${env:constructor}').kind).toBe('fault');
  expect(expanded('${env:toString:-none}')).toBe('none');
});

test('the origin is the first variable or file that contributed', () => {
  expect(expand('${env:A:-x}')).toEqual({ kind: 'text', text: 'x', origin: undefined });
  expect(expand('${env:A:-${env:B}}', { B: 'b' })).toMatchObject({ origin: { kind: 'env', name: 'B' } });
  expect(expand('${file:/run/secrets/key}')).toMatchObject({
    origin: { kind: 'secret-file', path: '/run/secrets/key' },
  });
});

const name = fc.constantFrom('A', 'B', 'C_1');
const literal = fc
  .string({ unit: fc.constantFrom('a', '$', '{', ' ', 'é', ':', '-'), maxLength: 6 })
  .filter((text) => !/\$$|\$\{/.test(text));

/** A text with references and what it must become. */
interface Sample {
  readonly text: string;
  readonly value: string;
}

const VALUES: Environment = { A: 'one', B: '${env:A}' };

const { sample } = fc.letrec<{ sample: Sample; part: Sample }>((tie) => ({
  sample: fc.array(tie('part'), { maxLength: 4, depthIdentifier: 'nesting' }).map((parts) => ({
    text: parts.map(({ text }) => text).join(''),
    value: parts.map(({ value }) => value).join(''),
  })),
  part: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'nesting' },
    literal.map((text) => ({ text, value: text })),
    fc.constant({ text: '$${', value: '${' }),
    fc.tuple(name, tie('sample')).map(([variable, fallback]) => ({
      text: `\${env:${variable}:-${fallback.text}}`,
      value: VALUES[variable] ?? fallback.value,
    })),
  ),
}));

test('any nesting of references, escapes and plain text becomes what its parts say', () => {
  fc.assert(
    fc.property(sample, ({ text, value }) => {
      expect(expanded(text, VALUES)).toBe(value);
    }),
  );
});

test('no text makes it fail in another way than with a fault', () => {
  const piece = fc.constantFrom('${', '$${', '}', ':-', 'env:', 'file:', 'A', '$', '/', '{');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      expect(['text', 'fault']).toContain(expand(pieces.join(''), { A: 'a' }).kind);
    }),
  );
});
