import { skipIndent } from './lines.ts';
import type { Found, ScanSource } from './scan-source.ts';

/** Elements whose inside is words. Prompts use those of the second list as marks of their own, so that they count only with attributes of HTML. */
const ELEMENTS = new Set(
  'body head div nav table tbody tr ul ol dl p h1 h2 h3 h4 h5 h6 blockquote center fieldset'.split(' '),
);
const AMBIGUOUS = new Set('article section main header footer aside form figure details'.split(' '));
const CODE_ELEMENTS = new Set('script style pre svg math template'.split(' '));
/** What makes a fragment HTML: a block of a prompt may be called `<p>`, but then it holds no such things. */
const INNER = new Set('a b br div em h1 h2 h3 h4 i img input li p span strong td th tr'.split(' '));
const MIN_INNER_TAGS = 3;

const OPENING = /<([a-zA-Z][a-zA-Z0-9]{0,15})([\s>/][^<>]{0,2000}|>|$)/y;
const DOCUMENT = /<(?:!doctype html|html[\s>])/iy;
const DOCUMENT_END = /<\/html\s{0,8}>/gi;
const HTML_ATTRIBUTE = /\s(?:class|id|style|role|data-[a-z]{1,40})\s?=/i;
const ANY_TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9]{0,15})(?=[\s>/])/g;

/** A document of HTML, or fragments of it one behind the other; a document that is cut off is `unknown`. @internal */
export function htmlBlock(source: ScanSource, at: number): Found | undefined {
  const { text } = source;
  const start = skipIndent(text, at);
  if (text.charAt(start) !== '<') return undefined;
  DOCUMENT.lastIndex = start;
  if (DOCUMENT.test(text)) return document(text, start);
  let found: Found | undefined;
  for (let next = start; ; next = skipSpace(text, found.end)) {
    const fragment = fragmentAt(source, next);
    if (fragment === undefined || (found !== undefined && fragment.kind !== found.kind)) return found;
    found = fragment;
  }
}

function document(text: string, start: number): Found {
  DOCUMENT_END.lastIndex = start;
  return DOCUMENT_END.test(text)
    ? { kind: 'html', end: DOCUMENT_END.lastIndex }
    : { kind: 'unknown', end: text.length };
}

function fragmentAt(source: ScanSource, at: number): Found | undefined {
  const { text } = source;
  OPENING.lastIndex = at;
  const [, tag = '', attributes = ''] = OPENING.exec(text) ?? [];
  const name = tag.toLowerCase();
  const isCode = CODE_ELEMENTS.has(name);
  const isOwn = ELEMENTS.has(name) || (AMBIGUOUS.has(name) && HTML_ATTRIBUTE.test(attributes));
  if (!isCode && !isOwn) return undefined;
  const { end, innerTags } = elementEnd(source, at, name);
  if (end === -1) return undefined;
  if (isCode) return { kind: 'code', end };
  return innerTags >= MIN_INNER_TAGS ? { kind: 'html', end } : undefined;
}

/** Follows tags of this name until they balance. */
function elementEnd(
  source: ScanSource,
  at: number,
  name: string,
): { readonly end: number; readonly innerTags: number } {
  const { text } = source;
  let depth = 0;
  let innerTags = 0;
  ANY_TAG.lastIndex = at;
  for (let tag = ANY_TAG.exec(text); tag !== null; tag = ANY_TAG.exec(text)) {
    const found = (tag[2] ?? '').toLowerCase();
    if (tag[1] === '' && INNER.has(found)) innerTags += 1;
    if (found !== name) continue;
    depth += tag[1] === '' ? 1 : -1;
    if (depth > 0) continue;
    const close = text.indexOf('>', ANY_TAG.lastIndex);
    source.spend((close === -1 ? text.length : close) - at);
    return { end: close === -1 ? -1 : close + 1, innerTags };
  }
  source.spend(text.length - at);
  return { end: -1, innerTags };
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (' \t\r\n'.includes(text.charAt(next)) && next < text.length) next += 1;
  return next;
}
