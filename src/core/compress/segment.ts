/**
 * What a stretch of text is. Everything but `prose`, `heading` and `list` is left as it is by transforms that touch words.
 *
 * - `front-matter`: YAML or TOML between its marks at the very beginning.
 * - `fence`: a fenced code block with its fences; `inline-code` between backticks.
 * - `json`: a balanced JSON object or array that parses, alone or within prose. A fence that holds nothing but JSON is `json-fence`.
 * - `table`: a Markdown table; `list`: list items; `heading`: a Markdown heading.
 * - `diff`: unified diff or patch; `log`: lines that begin with a time or a level.
 * - `html`: a document or fragment of HTML; `tagged`: the opening or closing tag of an XML-like block (`<document>`), its inside is segmented by itself.
 * - `url`, `quote` (between quotation marks), `template` (`{{x}}`, `${x}`, `%s`, `{name}`), `base64` (also data URIs).
 * - `code`: indented or otherwise unmistakable code outside a fence.
 * - `records`: records in the notation of this library (its legend and the lines that the legend counts).
 * - `blank`: line breaks and space between paragraphs.
 * - `unknown`: whatever is unclear; verbatim at every level.
 * @public
 */
export type SegmentKind =
  | 'front-matter'
  | 'fence'
  | 'json-fence'
  | 'inline-code'
  | 'code'
  | 'json'
  | 'table'
  | 'list'
  | 'heading'
  | 'diff'
  | 'log'
  | 'html'
  | 'tagged'
  | 'url'
  | 'quote'
  | 'template'
  | 'base64'
  | 'records'
  | 'prose'
  | 'blank'
  | 'unknown';

/** A stretch of a text, as string offsets; the segments of a text cover it without gaps or overlaps, in order. @public */
export interface Segment {
  readonly kind: SegmentKind;
  readonly start: number;
  /** Offset behind the last character. */
  readonly end: number;
}
