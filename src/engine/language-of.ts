import { FarthingError } from '../core/errors.ts';

/**
 * Tells the language of a text.
 * @returns ISO 639-1; undefined where the text is too short to tell, or could be several.
 * @internal
 */
export type LanguageOf = (text: string) => string | undefined;

/** More text says nothing new, and a prompt may have megabytes. */
const MAX_CHARS = 1000;

/** Fewer letters are a greeting in half a dozen languages. */
const MIN_LETTERS = 4;

/** The few methods of eld that are called. */
interface Detector {
  detect(text: string): { readonly language: string; isReliable(): boolean };
}

/**
 * Loads what tells languages apart: the optional peer `eld`, which is loaded now. About 0.05 ms for a short prompt, at most 0.3 ms.
 * @throws FarthingError `configuration` when the package is not there.
 * @internal
 */
export async function openLanguageOf(): Promise<LanguageOf> {
  const detector = await importDetector();
  return (text) => {
    const beginning = proseOf(text.slice(0, MAX_CHARS));
    if (!hasLetters(beginning)) return undefined;
    const found = detector.detect(beginning);
    return found.language !== '' && found.isReliable() ? found.language : undefined;
  };
}

/** Without fenced code, which is in nobody's language. */
function proseOf(text: string): string {
  return text
    .split('```')
    .filter((_, index) => index % 2 === 0)
    .join(' ');
}

function hasLetters(text: string): boolean {
  let letters = 0;
  for (const _ of text.matchAll(/\p{L}/gu)) {
    letters += 1;
    if (letters >= MIN_LETTERS) return true;
  }
  return false;
}

async function importDetector(): Promise<Detector> {
  try {
    return (await import('eld/small')).default;
  } catch (cause) {
    throw new FarthingError('configuration', 'Routes by language need the package eld: npm install eld', { cause });
  }
}
