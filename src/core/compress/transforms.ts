import type { Transform } from './transform.ts';
import { blankLines } from './transforms/blank-lines.ts';
import { htmlMarkdown } from './transforms/html-markdown.ts';
import { jsonMinify } from './transforms/json-minify.ts';
import { jsonRecords } from './transforms/json-records.ts';
import { lineBreaks } from './transforms/line-breaks.ts';
import { phrases } from './transforms/phrases.ts';
import { repeats } from './transforms/repeats.ts';
import { separators } from './transforms/separators.ts';
import { tablePadding } from './transforms/table-padding.ts';
import { trailingSpaces } from './transforms/trailing-spaces.ts';
import { zeroWidth } from './transforms/zero-width.ts';

/** All transforms in the order in which they run. @internal */
export const TRANSFORMS: readonly Transform[] = [
  zeroWidth,
  lineBreaks,
  jsonMinify,
  tablePadding,
  separators,
  trailingSpaces,
  blankLines,
  repeats,
  htmlMarkdown,
  jsonRecords,
  phrases,
];

/**
 * Names everything that a compressed text depends on beside its source: it goes into cache keys, and a conversation keeps the one it began with.
 * @public
 */
export const COMPRESSOR_VERSION: string = `segments@1,${TRANSFORMS.map(({ id, version }) => `${id}@${version}`).join(',')}`;
