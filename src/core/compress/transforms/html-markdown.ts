import type { CompressionTools, HtmlToMarkdown, TextEdit } from '../compression.ts';
import type { SegmentKind } from '../segment.ts';
import { isBlankFrom } from '../segment/lines.ts';
import type { SegmentedText, Transform } from '../transform.ts';

const HTML: ReadonlySet<SegmentKind> = new Set<SegmentKind>(['html']);

/** HTML as Markdown, where the caller gave a converter; HTML that it cannot convert stays as it is. @internal */
export const htmlMarkdown: Transform = { id: 'html-markdown', version: 1, level: 'structural', kinds: HTML, apply };

function apply({ text, segments }: SegmentedText, { htmlToMarkdown }: CompressionTools): readonly TextEdit[] {
  if (htmlToMarkdown === undefined) return [];
  return segments.flatMap(({ kind, start, end }): readonly TextEdit[] => {
    if (kind !== 'html') return [];
    const markdown = converted(text.slice(start, end), htmlToMarkdown);
    if (markdown === '') return [];
    // A Markdown block ends at its line's end.
    return [{ start, end, text: isBlankFrom(text, end) ? markdown : `${markdown}\n\n` }];
  });
}

function converted(html: string, htmlToMarkdown: HtmlToMarkdown): string {
  try {
    return htmlToMarkdown(html).trim();
  } catch {
    // Whatever a converter has against a page, the page goes out as it is.
    return '';
  }
}
