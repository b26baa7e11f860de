// `npm run generate`: writes the tokenizers' vocabularies (src/tokenizers/generated/<encoding>.bin) from the rank tables of npm `js-tiktoken`.
// What is up to date is left alone: the header holds a digest of the rank table, of the scripts that write it, and of the Unicode version.
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, readSync, closeSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { characterClass } from '../src/tokenizers/character-class.ts';
import {
  DIGEST_WORD,
  HEADER_WORDS,
  LAYOUT_VERSION,
  SECTIONS,
  SECTIONS_WORD,
  VOCABULARY_MAGIC,
} from '../src/tokenizers/vocabulary-layout.ts';
import { neighbourTables } from './tokenizers/neighbour-tables.mjs';
import { mergeTables, wholeTokenTables } from './tokenizers/vocabulary-tables.mjs';

const ENCODINGS = ['o200k_base', 'cl100k_base'];
const FOLDER = new URL('../src/tokenizers/generated/', import.meta.url);
const MAKERS = [
  import.meta.url,
  new URL('tokenizers/neighbour-tables.mjs', import.meta.url),
  new URL('tokenizers/vocabulary-tables.mjs', import.meta.url),
  new URL('../src/tokenizers/character-class.ts', import.meta.url),
  new URL('../src/tokenizers/vocabulary-layout.ts', import.meta.url),
];
const require = createRequire(import.meta.url);

function digestOf(rankFile) {
  const hash = createHash('sha256').update(process.versions.unicode);
  for (const file of [...MAKERS.map((url) => new URL(url)), rankFile]) hash.update(readFileSync(file));
  return hash.digest();
}

function isUpToDate(file, digest) {
  const header = Buffer.alloc(HEADER_WORDS * 4);
  let handle;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
  try {
    readSync(handle, header);
  } finally {
    closeSync(handle);
  }
  return header.subarray(DIGEST_WORD * 4, DIGEST_WORD * 4 + digest.length).equals(digest);
}

/** The tokens by id. The table's lines are: a name, the first id, tokens in base64; ids that are not taken stay undefined. */
function tokensOf(ranks) {
  const tokens = [];
  for (const line of ranks.bpe_ranks.split('\n').filter(Boolean)) {
    const [, first, ...words] = line.split(' ');
    for (const [index, word] of words.entries()) tokens[Number(first) + index] = Buffer.from(word, 'base64');
  }
  if (tokens.length >= 2 ** 18 || tokens.includes(undefined)) throw new Error('ids are not as the tables need them');
  return tokens;
}

function classTables() {
  const basicClasses = Uint8Array.from({ length: 0x1_00_00 }, (_, codePoint) => characterClass(codePoint));
  const blocks = new Map();
  const astralBlocks = Uint8Array.from({ length: 0x10_00 }, (_, index) => {
    const block = Buffer.from(
      Array.from({ length: 256 }, (_unused, low) => characterClass(0x1_00_00 + index * 256 + low)),
    );
    const name = block.toString('latin1');
    if (!blocks.has(name)) blocks.set(name, { number: blocks.size, block });
    return blocks.get(name).number;
  });
  if (blocks.size > 256) throw new Error('too many different blocks of characters');
  return {
    basicClasses,
    astralBlocks,
    astralClasses: Buffer.concat(Array.from(blocks.values(), ({ block }) => block)),
  };
}

function fileOf(digest, sections) {
  const header = Buffer.alloc(HEADER_WORDS * 4);
  header.writeInt32LE(VOCABULARY_MAGIC, 0);
  header.writeInt32LE(LAYOUT_VERSION, 4);
  digest.copy(header, DIGEST_WORD * 4);
  const parts = [header];
  let offset = header.length;
  for (const [index, name] of SECTIONS.entries()) {
    const { buffer, byteOffset, byteLength } = sections[name];
    header.writeInt32LE(offset, (SECTIONS_WORD + index * 2) * 4);
    header.writeInt32LE(byteLength, (SECTIONS_WORD + index * 2 + 1) * 4);
    parts.push(Buffer.from(buffer, byteOffset, byteLength), Buffer.alloc(-byteLength & 15));
    offset += byteLength + (-byteLength & 15);
  }
  return Buffer.concat(parts);
}

function generate(encoding, classes) {
  const rankFile = pathToFileURL(require.resolve(`js-tiktoken/ranks/${encoding}`));
  const file = new URL(`${encoding}.bin`, FOLDER);
  const digest = digestOf(rankFile);
  if (isUpToDate(file, digest)) return;
  const tokens = tokensOf(require(`js-tiktoken/ranks/${encoding}`));
  const sections = { ...mergeTables(tokens), ...wholeTokenTables(tokens), ...neighbourTables(tokens), ...classes() };
  const content = fileOf(digest, sections);
  // Another process may do the same at this moment.
  const draft = new URL(`${encoding}.${process.pid}.tmp`, FOLDER);
  writeFileSync(draft, content);
  renameSync(draft, file);
  console.log(`${encoding}: ${tokens.length} tokens, ${(content.length / 1e6).toFixed(1)} MB`);
}

mkdirSync(FOLDER, { recursive: true });
let tables;
const classes = () => (tables ??= classTables());
for (const encoding of ENCODINGS) generate(encoding, classes);
