import { expect, test } from 'vitest';
import { promptTemplate } from './prompt-template.ts';

test('names in braces are columns, doubled braces are braces', () => {
  const fill = promptTemplate('Say {text} in { lang }: {{"json": {text}}}', ['lang', 'text']);
  expect(fill(['German', '{lang} $&'])).toBe('Say {lang} $& in German: {"json": {lang} $&}');
});

test('an unknown column, a lone brace and a template without a column are refused with the columns there are', () => {
  expect(() => promptTemplate('{txt}', ['text', 'lang'])).toThrow(
    '--template: {txt} is no column; there are {text}, {lang}',
  );
  expect(() => promptTemplate('{text} }', ['text'])).toThrow('a "}" stands alone');
  expect(() => promptTemplate('hello', ['text'])).toThrow('names no column; there are {text}');
});
