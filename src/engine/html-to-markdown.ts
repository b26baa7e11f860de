import { FarthingError } from '../core/errors.ts';
import type { HtmlToMarkdown } from '../core/compress/compression.ts';
import { isReadableHtml } from './html-guard.ts';

/** What a page says is not in these. */
const REMOVED = [
  'script',
  'style',
  'head',
  'title',
  'nav',
  'noscript',
  'template',
  'svg',
  'iframe',
  'object',
  'canvas',
  'button',
];
const LANGUAGE = /^(?:language|lang|highlight-source)-([\w+#-]{1,30})$/;

/** The little of a parsed node that the rules below read. */
interface HtmlNode {
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly parentNode: HtmlNode | null;
  readonly childNodes: ArrayLike<HtmlNode>;
  readonly firstElementChild?: HtmlNode | null;
  readonly previousElementSibling?: HtmlNode | null;
  getAttribute?(name: string): string | null;
}

interface Rule {
  readonly filter: string | readonly string[] | ((node: HtmlNode) => boolean);
  replacement(content: string, node: HtmlNode): string;
}

/** The few methods of turndown that are called. */
interface Turndown {
  turndown(html: string): string;
  remove(names: readonly string[]): unknown;
  addRule(name: string, rule: Rule): unknown;
  escape(text: string): string;
}

/**
 * Loads a converter from HTML to Markdown: without scripts, styles, navigation and the head; with headings, lists, links, tables and code. Give what it returns to
 * `compressText`. A page that is too long, too deep or broken on purpose comes back as it is.
 * @throws FarthingError `configuration` when the package `turndown` is not there.
 * @internal
 */
export async function openHtmlToMarkdown(): Promise<HtmlToMarkdown> {
  const TurndownService = await turndownClass();
  const service = new TurndownService({
    headingStyle: 'atx',
    hr: '---',
    bulletListMarker: '-',
    codeBlockStyle: 'fenced',
  });
  service.remove(REMOVED);
  // A model is the reader, not a renderer: `snake_case` stays what it is.
  service.escape = (text) => text;
  for (const [name, rule] of Object.entries(RULES)) service.addRule(name, rule);
  return (html) => {
    if (!isReadableHtml(html)) return html;
    try {
      return service.turndown(html);
    } catch {
      // Broken in a way that its parser does not repair: verbatim.
      return html;
    }
  };
}

const RULES: Readonly<Record<string, Rule>> = {
  tableCell: { filter: ['th', 'td'], replacement: (content) => ` ${cellText(content)} |` },
  tableRow: {
    filter: 'tr',
    replacement: (content, node) =>
      content === '' ? '' : `\n|${content}${isHeadingRow(node) ? `\n|${delimiters(node)}` : ''}`,
  },
  tableSection: { filter: ['thead', 'tbody', 'tfoot'], replacement: (content) => content },
  table: { filter: 'table', replacement: (content) => `\n\n${content.trim()}\n\n` },
  listItem: {
    filter: 'li',
    // The converter's own items are indented by four, which costs a token each.
    replacement: (content, node) => {
      const mark = itemMark(node);
      const indented = content
        .trim()
        .split('\n')
        .join(`\n${' '.repeat(mark.length)}`);
      return `${mark}${indented}\n`;
    },
  },
  preformatted: {
    filter: 'pre',
    replacement: (_, node) => {
      const code = (node.textContent ?? '').replace(/^\n/, '').trimEnd();
      const fence = '`'.repeat(Math.max(3, longestBackticks(code) + 1));
      return `\n\n${fence}${languageOf(node)}\n${code}\n${fence}\n\n`;
    },
  },
  inPageLink: {
    filter: (node) => node.nodeName === 'A' && (node.getAttribute?.('href') ?? '#').startsWith('#'),
    // The mark beside a heading that links to itself says nothing.
    replacement: (content) => (/^[#¶§🔗\s]*$/u.test(content) ? '' : content),
  },
  inlineImage: {
    filter: (node) => node.nodeName === 'IMG' && (node.getAttribute?.('src') ?? '').startsWith('data:'),
    replacement: (_, node) => node.getAttribute?.('alt') ?? '',
  },
};

function cellText(content: string): string {
  const lines = content.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .join(' ')
    .replaceAll('|', '\\|');
}

/** The number that comes next in a list; its items are asked for in their order. */
const nextNumber = new WeakMap<HtmlNode, number>();

function itemMark(item: HtmlNode): string {
  const list = item.parentNode;
  if (list?.nodeName !== 'OL') return '- ';
  const start = Number(list.getAttribute?.('start') ?? 1);
  const number = nextNumber.get(list) ?? (Number.isInteger(start) ? start : 1);
  nextNumber.set(list, number + 1);
  return `${number}. `;
}

/** The first row of a table names its columns, whether it says so or not. */
function isHeadingRow(row: HtmlNode): boolean {
  if (row.previousElementSibling !== null && row.previousElementSibling !== undefined) return false;
  const section = row.parentNode;
  if (section === null || section.nodeName === 'TABLE') return true;
  const before = section.previousElementSibling;
  return before === null || before === undefined || before.nodeName === 'CAPTION' || before.nodeName === 'COLGROUP';
}

function delimiters(row: HtmlNode): string {
  const cells = Array.from(row.childNodes).filter(({ nodeName }) => nodeName === 'TD' || nodeName === 'TH');
  return '---|'.repeat(cells.length);
}

function languageOf(pre: HtmlNode): string {
  const names = [pre, pre.firstElementChild, pre.parentNode].flatMap((node) =>
    (node?.getAttribute?.('class') ?? '').split(' '),
  );
  return names.map((name) => LANGUAGE.exec(name)?.[1]).find((language) => language !== undefined) ?? '';
}

function longestBackticks(code: string): number {
  let longest = 0;
  for (const [run] of code.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}

async function turndownClass(): Promise<new (options: Readonly<Record<string, string>>) => Turndown> {
  try {
    return (await import('turndown')).default as unknown as new (options: Readonly<Record<string, string>>) => Turndown;
  } catch (cause) {
    throw new FarthingError('configuration', 'Reading HTML needs the package turndown: npm install turndown', {
      cause,
    });
  }
}
