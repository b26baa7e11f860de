// Packs the package, installs the tarball as a user would, and uses it on every supported Node.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const VERSIONS = ['22', '24', '26'];
const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'farthing-tarball-'));
const writeManifest = (place, fields) =>
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name: 'consumer', private: true, ...fields }));
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], root));
  const consumer = join(folder, 'consumer');
  mkdirSync(consumer);
  const peers = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies;
  writeManifest(consumer, {
    type: 'module',
    dependencies: { farthing: `file:../${packed.filename}`, 'better-sqlite3': peers['better-sqlite3'] },
    allowScripts: { 'better-sqlite3': false },
  });
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], consumer);
  writeFileSync(join(consumer, 'smoke.mjs'), readFileSync(join(root, 'test/support/tarball-smoke.mjs')));
  let failures = 0;
  for (const version of VERSIONS) {
    const runtime = join(folder, `node-${version}`);
    mkdirSync(runtime);
    writeManifest(runtime, { dependencies: { node: version }, allowScripts: { node: true } });
    run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], runtime);
    const node = join(runtime, 'node_modules/.bin/node');
    const smoke = spawnSync(node, ['smoke.mjs'], { cwd: consumer, encoding: 'utf8', timeout: 60_000 });
    const isGood = smoke.status === 0;
    if (!isGood) failures += 1;
    console.log(`node ${version}: ${isGood ? smoke.stdout.trim() : `FAILED\n${smoke.stdout}${smoke.stderr}`}`);
  }
  process.exitCode = failures > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
