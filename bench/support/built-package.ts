import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = new URL('../../', import.meta.url).pathname;
/** Below node_modules, so that it is ignored by everything and still finds the packages. */
const FOLDER = join(ROOT, 'node_modules', '.cache', 'farthing-bench', 'dist');

/**
 * Compiles the source as `npm run build` does, into a folder of its own, and names that folder. What is measured is what users run: from
 * source each thread would carry Node's TypeScript stripper, which costs 40 MB and half a second.
 */
export function buildPackage(): string {
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const flags = [
    '--outDir',
    FOLDER,
    '--declaration',
    'false',
    '--declarationMap',
    'false',
    '--isolatedDeclarations',
    'false',
  ];
  const { status, stdout } = spawnSync(
    process.execPath,
    [compiler, '-p', join(ROOT, 'tsconfig.build.json'), ...flags],
    {
      encoding: 'utf8',
    },
  );
  if (!existsSync(join(FOLDER, 'cli', 'main.js'))) throw new Error(`the source does not compile:\n${stdout}`);
  cpSync(join(ROOT, 'src', 'tokenizers', 'generated'), join(FOLDER, 'tokenizers', 'generated'), { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(FOLDER, '..', 'package.json'));
  if (status !== 0) console.warn(`the compiler complains; its output is used all the same:\n${stdout}`);
  return FOLDER;
}
