/** Longer pages are left as they are. */
const MAX_CHARACTERS = 400_000;
/** Opening and closing tags; one takes some 5 to 12 µs to read, whatever it is, so that no page takes longer than about 0.2 s. */
const MAX_TAGS = 16_000;
/** Elements within elements; no page that people read comes near. */
const MAX_DEPTH = 100;
/** Tables within tables are layout, and each doubles the bars of those within. */
const MAX_TABLE_DEPTH = 6;
/** A tag with more is no tag of a page. */
const MAX_TAG_CHARACTERS = 4000;
/** Formatting that is never closed is opened anew in every paragraph behind it: so many elements may come of that. */
const MAX_REOPENED = 20_000;

const TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9-]{0,31})/g;
const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));
/** A parser closes these by itself. */
const SELF_CLOSED = new Set('p li dt dd tr td th thead tbody tfoot option colgroup'.split(' '));
const FORMATTING = new Set('a b big code em font i nobr s small strike strong tt u'.split(' '));

/**
 * Whether a page is one that a parser reads in linear time: not too long, not too deep, no formatting that is opened thousands of times. Parsers of HTML repair what
 * is broken, and a page may be broken on purpose so that the repair never ends.
 * @internal
 */
export function isReadableHtml(html: string): boolean {
  if (html.length > MAX_CHARACTERS) return false;
  const open = { tags: 0, depth: 0, tables: 0, formatting: 0, reopened: 0 };
  for (const match of html.matchAll(TAG)) {
    const isClosing = match[1] === '/';
    const name = (match[2] ?? '').toLowerCase();
    if (!isClosing && isLongTag(html, match.index)) return false;
    open.tags += 1;
    const step = isClosing ? -1 : 1;
    if (FORMATTING.has(name)) open.formatting = Math.max(0, open.formatting + step);
    else open.reopened += open.formatting;
    if (!SELF_CLOSED.has(name) && !VOID.has(name)) open.depth = Math.max(0, open.depth + step);
    if (name === 'table') open.tables = Math.max(0, open.tables + step);
    if (open.tables > MAX_TABLE_DEPTH) return false;
    if (open.tags > MAX_TAGS || open.depth > MAX_DEPTH || open.reopened > MAX_REOPENED) return false;
  }
  return true;
}

/** Long addresses are common (inline images); tags with thousands of attributes are not. */
function isLongTag(html: string, start: number): boolean {
  const end = html.indexOf('>', start);
  const tag = html.slice(start, end === -1 ? start + MAX_TAG_CHARACTERS + 1 : end);
  return tag.length > MAX_TAG_CHARACTERS && tag.split('=').length > 100;
}
