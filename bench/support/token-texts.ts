import { readFileSync } from 'node:fs';
import { compilerMessages, repositoryText, xquadText } from '../../test/support/token-texts.ts';

/** UTF-16 units of each class. */
const UNITS = 400_000;

function records(): string {
  const statuses = ['active', 'suspended', 'pending'];
  const list = Array.from({ length: 1200 }, (_, index) => ({
    id: (index * 7919) % 100_003,
    name: `Customer ${index}`,
    email: `customer.${index}@example.com`,
    status: statuses[index % 3],
    balance: ((index * 104_729) % 1_000_000) / 100,
    created_at: new Date(1_700_000_000_000 + index * 86_400_123).toISOString(),
    tags: [`group-${index % 17}`, `tier-${index % 5}`],
  }));
  return JSON.stringify(list, undefined, 2);
}

/** Ordinary texts by class: of the repository, of the compiler's messages, and of the data beside the repository where it is there. */
export function tokenTextClasses(): Readonly<Record<string, string>> {
  const prompts = `${readFileSync(new URL('../../README.md', import.meta.url), 'utf8')}\n${repositoryText('docs', '.md')}`;
  const texts = {
    code: repositoryText('src', '.ts'),
    'JSON, pretty': records(),
    'JSON, minified': JSON.stringify(JSON.parse(records())),
    Markdown: prompts,
    'prose en': xquadText('en'),
    'prose de': xquadText('de'),
    'prose zh': xquadText('zh'),
    'messages de': compilerMessages('de'),
    'messages ru': compilerMessages('ru'),
    'messages zh': compilerMessages('zh-cn'),
    'messages ja': compilerMessages('ja'),
    'messages ko': compilerMessages('ko'),
  };
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, text.slice(0, UNITS)]])),
  );
}

/** What a million characters are made of that tokenizers take long over; the last one is made of chance. */
export const HOSTILE_UNITS: Readonly<Record<string, string>> = {
  'one letter': 'a',
  spaces: ' ',
  newlines: '\n',
  'one Chinese character': '的',
  digits: '7',
  punctuation: '!',
  'combining marks': '\u{301}',
  'two letters in turn': 'ab',
  'both cases in turn': 'aB',
  hexadecimal: '0123456789abcdef',
  base64: 'SGVsbG8gd29ybGQhIFRoaXMgaXMgYmFzZTY0Lg',
  emoji: '😀',
  'spaces and newlines': ' \n',
  'letters by chance': chanceLetters(1_000_000),
};

function chanceLetters(count: number): string {
  let state = 1;
  const codes = Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return 0x61 + ((state >>> 16) % 26);
  });
  return Buffer.from(codes).toString('latin1');
}
