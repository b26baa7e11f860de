// Holds the caps on size: a file has at most 400 lines. (Functions and nesting are held by the linter.)
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const MAX_LINES = 400;
const files = execFileSync('git', ['ls-files', 'src', 'test', 'bench', 'scripts', 'examples'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => /\.(ts|mjs)$/.test(file));
const long = files
  .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
  .filter(({ lines }) => lines > MAX_LINES);
for (const { file, lines } of long) console.log(`${file} has ${lines} lines; at most ${MAX_LINES}`);
console.log(`${files.length} files, ${long.length} over the cap`);
process.exit(long.length > 0 || files.length === 0 ? 1 : 0);
