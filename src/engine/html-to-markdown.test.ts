import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isReadableHtml } from './html-guard.ts';
import { openHtmlToMarkdown } from './html-to-markdown.ts';

const convert = await openHtmlToMarkdown();

test('what a page says is kept: headings, links, lists, code and tables', () => {
  const page = [
    '<!doctype html><html><head><title>T</title><style>p{}</style></head><body><nav><a href="/">Home</a></nav>',
    '<h2 id="a">The <em>API</em><a href="#a">¶</a></h2><p>See <a href="/x">link</a> and <code>snake_case</code> 12.50</p>',
    '<ol start="3"><li>a</li><li>b<ul><li>c</li></ul></li></ol>',
    '<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1</td><td><p>x|y</p><p>z</p></td></tr></tbody></table>',
    '<pre class="language-python">def f():\n    return "`"\n</pre><script>steal()</script></body></html>',
  ].join('\n');
  expect(convert(page)).toBe(
    [
      '## The _API_\n',
      'See [link](/x) and `snake_case` 12.50\n',
      '3. a\n4. b\n   - c\n',
      '| A | B |\n|---|---|\n| 1 | x\\|y z |\n',
      '```python\ndef f():\n    return "`"\n```',
    ].join('\n'),
  );
});

test('code that holds fences gets a longer one', () => {
  expect(convert('<pre>```js\nx\n```</pre>')).toBe('````\n```js\nx\n```\n````');
});

test('an inline image is its description, one with an address keeps it', () => {
  expect(convert('<p><img src="data:image/png;base64,AA" alt="chart"> <img src="/a.png" alt="b"></p>')).toBe(
    'chart ![b](/a.png)',
  );
});

const HOSTILE: Readonly<Record<string, string>> = {
  'deeply nested elements': '<div>'.repeat(60_000),
  'nested tables': '<table><tr><td>'.repeat(300),
  'formatting that is never closed and opened anew by each paragraph':
    Array.from({ length: 90 }, (_, index) => `<b id=${index}>`).join('') + '<p>a'.repeat(15_000),
  'closing tags that open paragraphs with all formatting':
    Array.from({ length: 90 }, (_, index) => `<b id=${index}>`).join('') + '</p>a'.repeat(15_000),
  'a hundred thousand paragraphs': '<p>a'.repeat(90_000),
  'a megabyte of text': 'a '.repeat(500_000),
  'a tag with thousands of attributes': `<a ${'x=1 '.repeat(5000)}>x</a>`,
};
test.each(Object.entries(HOSTILE))('a page is left as it is: %s', (_, page) => {
  expect(isReadableHtml(page)).toBe(false);
  expect(convert(page)).toBe(page);
});

test('any text converts without an error', () => {
  const tag = fc.constantFrom(
    '<p>',
    '</p>',
    '<table>',
    '<tr>',
    '<td>',
    '<b>',
    '<a href="x">',
    '<pre>',
    '<li>',
    '<!--',
    '<',
    '&amp;',
    'x ',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(tag).map((tags) => tags.join('')),
      ),
      (html) => {
        expect(typeof convert(html)).toBe('string');
      },
    ),
    { numRuns: 25 },
  );
});
