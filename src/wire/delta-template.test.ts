import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeltaTemplate } from './delta-template.ts';
import { SseFramer } from './sse-framer.ts';
import { streamReader } from './stream-reader.ts';

const chunk = (content: string, more: object = {}): string =>
  JSON.stringify({
    id: 'c',
    model: 'm',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
    usage: null,
    ...more,
  });

function remembered(data: string, text: string): DeltaTemplate {
  const template = new DeltaTemplate('content');
  template.remember(data, text);
  return template;
}

test('an event that differs in its text alone gives the text', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (first, second) => {
      const found = remembered(chunk(first), first).textOf(chunk(second));
      if (found !== undefined) expect(found).toBe(second);
      else expect(JSON.stringify(first) + JSON.stringify(second)).toMatch(/\\/);
    }),
  );
});

test('whatever else an event may be, it is either parsed or means the same', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (first, data) => {
      const found = remembered(chunk(first), first).textOf(data);
      if (found !== undefined)
        expect((JSON.parse(data) as { choices: { delta: { content: string } }[] }).choices[0]?.delta.content).toBe(
          found,
        );
    }),
  );
});

test('padding may differ', () => {
  const template = remembered(chunk('a', { obfuscation: 'x1' }), 'a');
  expect(template.textOf(chunk('b', { obfuscation: 'qwerty' }))).toBe('b');
  expect(
    template.textOf(`${chunk('b', { obfuscation: 'q' }).slice(0, -1)},"usage":{"prompt_tokens":1}}`),
  ).toBeUndefined();
});

test.each([
  ['a finish reason', chunk('b').replace('"finish_reason":null', '"finish_reason":"stop"')],
  ['a usage', chunk('b', { usage: { prompt_tokens: 1 } })],
  ['an error', chunk('b', { error: { message: 'x' } })],
  ['another choice', chunk('b').replace('"index":0', '"index":1')],
  ['an escape', chunk('b"c')],
  ['something behind it', `${chunk('b')} x`],
  ['a raw line break in its text', chunk('bXc').replace('X', '\n')],
])('an event with %s is parsed', (_name, data) => {
  expect(remembered(chunk('a'), 'a').textOf(data)).toBeUndefined();
});

test('a stream read with and without templates has the same facts', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 30 }), (texts) => {
      const reader = streamReader('chat');
      const encoder = new TextEncoder();
      const stream = texts.map((text) => `data: ${chunk(text, { obfuscation: 'ab' })}\n\n`).join('');
      for (const frame of new SseFramer().push(encoder.encode(stream))) expect(reader.read(frame)).toBe('content');
      expect(reader.facts().outputBytes).toBe(texts.reduce((sum, text) => sum + encoder.encode(text).byteLength, 0));
    }),
  );
});
