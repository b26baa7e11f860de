import fc from 'fast-check';

/** Pieces of all kinds that the segmenter knows, and of those that it must not take for them. */
const PIECES: readonly string[] = [
  'Please read the following text in order to answer. It is important to note that you can make use of it.',
  'Bitte lies den Text, um die Frage zu beantworten.  Er ist lang.   ',
  '请阅读以下文字。「不要改动」这句话。',
  'می‌خواهم کتاب‌ها را بخوانم 👩‍👩‍👧 ภาษา\u200Bไทย soft\u00ADhyphen zero\u200Bwidth 12\u200B34',
  'He said "please  keep   this" and \'that  one\', “and this”; see `code  span` and ``a ` b``.',
  'See https://example.com/a(b)?q=please%20x&y={id}, www.example.org and [a link](./some  file.md "t").',
  'Hello {{ user.name }}, ${HOME}/x, {name}, %s and %(count)d of 100%; <b>bold</b> <!-- please  -->',
  '# Heading with `code` ##',
  '- item one   \n  goes on  \n- [ ] item two\n\n  1. nested\n\n      deep',
  '```js\nconst  a = 1;   \n\n\n\n\nplease();\n```',
  '~~~\nplease  \n~~~',
  '```json\n{\n  "a": 1.0,\n  "b": [1e400, 12345678901234567890, "x \\u00e9 \\" y"],\n  "a": null\n}\n```',
  '{"id":  1, "name":   "please  x", "ok": true}',
  'Data: [{"id": 1,\n "v": "a,b"},\n\n {"id": 2, "v": "in order to"}]',
  '[\n  {"id": 1, "name": "Ada", "score": 1.50},\n  {"id": 2, "name": "O\\"Hara, B", "score": -0.5e3},\n  {"id": 3, "name": "", "score": null}\n]',
  '{"total": 2, "items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "z"}]}',
  '{"cut": [1, 2,   "please',
  '{ not: json,   "please": 1 }',
  '| name    | value |\n|---------|:-----:|\n| `a  | b` |   1   |\n| x       |       |',
  'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n context  \n-please  \n+in order to   ',
  '2024-01-02T03:04:05Z INFO please  wait   \n    at foo (bar.js:1:2)\nERROR [main] in order to',
  '<document index="1">\nSome   words, please.\n</document>',
  '<div class="x"><p>Hello <b>you</b></p><ul><li>one</li><li>two</li></ul></div>',
  '<!doctype html><html><head><title>T</title><script>please()</script></head><body><h1>Hi</h1><p>Text <a href="/x">link</a></p></body></html>',
  '<html><body><p>never closed',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk',
  'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk=',
  'import os\nfrom x import y\n\ndef f(a):\n    """Please note."""\n    return a  \n\n\n\n\nclass B:\n    x = 1',
  '    indented = code()\n    more   = 1',
  '> quoted  block, please   \n> goes on',
  '----------------------------------------',
  '============ Title ============',
  'Name: ______________',
  'The same long paragraph is here once and may be here again, and it is long enough to be worth a mark of its own.',
  'Another long paragraph that repeats now and then in the documents of this test, so that whole runs repeat as well.',
  'JSON records as CSV, 2 rows:\na,b\n1,"x\ny"\n2,please  ',
  'JSON as TOON, 3 lines:\n[2]{a,b}:\n  1,x\n  2,y',
  '\uFEFF',
  '\uD800 lone \uDC00',
  '"unclosed quote, please',
  '`unclosed code, please',
  '``` \nunclosed fence, please  ',
  '[same as "The same long paragraph is here once and may be…" above]',
  '---\ntitle: please  \n---',
];
const GAPS: readonly string[] = [
  '\n\n',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '   \n',
  '\n\n\n\n\n\n',
  ' \n \n \n \n \n',
  ' ',
  '',
  '\n\t',
];

/** Documents that are put together of all kinds of pieces, with all kinds of gaps; one may stand in them twice. @internal */
export function mixedDocument(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...PIECES) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
    { weight: 2, arbitrary: fc.json({ maxDepth: 3 }).map((json) => JSON.stringify(JSON.parse(json), undefined, 2)) },
    { weight: 1, arbitrary: marks() },
  );
  return joined(fc.array(fc.tuple(piece, fc.constantFrom(...GAPS)), { maxLength: 9 }));
}

/** The same without anything that stands in them twice. @internal */
export function documentWithoutRepeats(): fc.Arbitrary<string> {
  const pieces = fc.uniqueArray(fc.constantFrom(...PIECES), { maxLength: 9 });
  return joined(
    pieces.chain((each) => fc.tuple(...each.map((piece) => fc.tuple(fc.constant(piece), fc.constantFrom(...GAPS))))),
  );
}

function joined(parts: fc.Arbitrary<readonly (readonly string[])[]>): fc.Arbitrary<string> {
  return parts.map((each) => each.flat().join(''));
}

/** Texts of nothing but the characters that mean something to the segmenter. @internal */
export function marks(): fc.Arbitrary<string> {
  const unit = fc.constantFrom(
    ...Array.from('{}[]"\'`<>|-=*#~$%:,.() \n\r\t/\\a1\u200B\u200D“”'),
    '```',
    '{{',
    '}}',
    '<p>',
    '</p>',
    'http://',
    '\n\n',
  );
  return fc.array(unit, { maxLength: 60 }).map((units) => units.join(''));
}
