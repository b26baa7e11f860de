import { TEXT_KINDS, type Transform } from '../transform.ts';
import { matchEdits } from './match-edits.ts';

/** CRLF becomes LF in running text; all or none, or a text would have both. @internal */
export const lineBreaks: Transform = {
  id: 'line-breaks',
  version: 1,
  level: 'lossless',
  kinds: TEXT_KINDS,
  isAllOrNone: true,
  apply: (source) => matchEdits(source, TEXT_KINDS, /\r\n/g, '\n'),
};
