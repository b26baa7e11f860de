import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { sharedData } from './shared-data.ts';

const repositoryRoot = join(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);

/** The compiler's messages: prose in the languages in which it comes. */
export const MESSAGE_LANGUAGES: readonly string[] = [
  'cs',
  'de',
  'es',
  'fr',
  'it',
  'ja',
  'ko',
  'pl',
  'pt-br',
  'ru',
  'tr',
  'zh-cn',
  'zh-tw',
];

/** The compiler's messages in a language. */
export function compilerMessages(language: string): string {
  const compiler = require.resolve('typescript');
  const file = join(compiler, '..', language, 'diagnosticMessages.generated.json');
  return Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>).join('\n');
}

/** All files of a folder of the repository with an ending, in a fixed order. */
export function repositoryText(folder: string, ending: string): string {
  const files = readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .toSorted();
  return files.map((file) => readFileSync(join(repositoryRoot, folder, file), 'utf8')).join('\n');
}

/** The paragraphs of XQuAD in a language; undefined where the data is absent. */
export function xquadText(language: 'en' | 'de' | 'zh'): string | undefined {
  const file = sharedData('compression', `xquad.${language}.json`);
  if (file === undefined) return undefined;
  const { data } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly data: readonly { readonly paragraphs: readonly { readonly context: string }[] }[];
  };
  return data.flatMap(({ paragraphs }) => paragraphs.map(({ context }) => context)).join('\n\n');
}

/** `count` parts of a text, each of `units` UTF-16 units, spread over it evenly. */
export function samplesOf(text: string, count: number, units: number): readonly string[] {
  const gap = Math.max(0, (text.length - units) / Math.max(1, count - 1));
  return Array.from({ length: count }, (_, index) =>
    text.slice(Math.floor(index * gap), Math.floor(index * gap) + units),
  );
}
