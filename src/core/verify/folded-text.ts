import { withoutTrailing } from '../without-trailing.ts';

/** Words alone: without case, width, kinds of quotes and spaces, and punctuation at the end. Linear. @internal */
export function foldedText(text: string): string {
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[‘’‚‛]/g, "'")
    .replaceAll(/[“”„‟«»]/g, '"')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return withoutTrailing(plain, '.!?。… ');
}
