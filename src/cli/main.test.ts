import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, 'main.ts');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'farthing-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Outcome {
  const options = { cwd: folder, env: { PATH: process.env['PATH'] ?? '', ...env }, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, MAIN, ...words], options);
  return { code: status, out: stdout, err: stderr };
}

function writeConfig(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

test('help lists every group of commands, without arguments too', () => {
  const help = run(['--help']);
  expect(help.code).toBe(0);
  for (const group of ['serve', 'demo', 'config', 'keys', 'budgets', 'report', 'ledger', 'prices'])
    expect(help.out).toContain(`  ${group} `);
  expect(run([]).out).toBe(help.out);
});

test("the version is the package's", () => {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
  );
  expect(run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

test('an unknown command or option exits 2 and suggests what was meant', () => {
  const command = run(['confg']);
  expect([command.code, command.err]).toEqual([2, expect.stringContaining('Did you mean config?')]);
  const nested = run(['config', 'chek']);
  expect([nested.code, nested.err]).toEqual([2, expect.stringContaining('Did you mean check?')]);
  const option = run(['config', 'check', '--confg', 'x']);
  expect([option.code, option.err]).toEqual([2, expect.stringContaining('Did you mean --config?')]);
});

test('config check exits 0 for a good file and 2 with one line for each problem of a bad one, without a stack', () => {
  writeConfig(
    'good.yaml',
    'providers: { x: { protocol: openai, baseUrl: "http://127.0.0.1:1", apiKey: "${env:KEY:-}" } }\nroutes: [{ name: r, targets: [x/a, x/b] }]\n',
  );
  const good = run(['config', 'check', '--config', 'good.yaml']);
  expect(good).toMatchObject({ code: 0, err: '' });
  expect(good.out.split('\n')).toEqual([
    'good.yaml: ok',
    'note: provider x is inactive: its key is empty',
    'note: no provider is active; the gateway would not start',
    'note: route r takes no call: the provider of its last target (x) is inactive',
    '',
  ]);
  writeConfig('bad.yaml', 'version: 1\ncache: { ttl: 5 }\nprovders: {}\n');
  const bad = run(['config', 'check', '-c', 'bad.yaml']);
  expect(bad).toMatchObject({ code: 2, out: '' });
  expect(bad.err.split('\n')).toEqual([
    'bad.yaml providers: is missing',
    'bad.yaml:2:15 cache.ttl: "5" is not a duration; write 500ms, 2s, 10m, 1h or 7d',
    'bad.yaml:3:1 provders: is not known here; did you mean providers?',
    '',
  ]);
  expect(run(['config', 'check', '-c', 'none.yaml'])).toEqual({ code: 2, out: '', err: 'none.yaml does not exist\n' });
});

test('config explain says where every value came from and shows no secret', () => {
  writeFileSync(join(folder, 'secret.txt'), 'sk-from-file\n');
  writeConfig(
    'farthing.yaml',
    'cache: { ttl: 5m }\nproviders: { x: { protocol: openai, baseUrl: "${env:URL}", apiKey: "${file:secret.txt}" } }\n',
  );
  const { code, out } = run(['config', 'explain'], { URL: 'http://127.0.0.1:1' });
  expect(code).toBe(0);
  expect(out).toMatch(/^cache\.ttl +5m +farthing\.yaml:1:15$/m);
  expect(out).toMatch(/^cache\.mode +deterministic +default$/m);
  expect(out).toMatch(/^providers\.x\.baseUrl +http:\/\/127\.0\.0\.1:1 +environment URL \(farthing\.yaml:2:\d+\)$/m);
  expect(out).toMatch(/^providers\.x\.apiKey +\(set\) +file secret\.txt \(farthing\.yaml:2:\d+\)$/m);
  expect(out).not.toContain('sk-from-file');
  rmSync(join(folder, 'farthing.yaml'));
  const builtIn = run(['config', 'explain'], { OPENAI_API_KEY: 'sk-canary' }).out;
  expect(builtIn).toMatch(/^providers\.openai\.apiKey +\(set\) +environment OPENAI_API_KEY$/m);
  expect(builtIn).toContain('note: provider anthropic is inactive: its key is empty');
  expect(builtIn).not.toContain('sk-canary');
});

test('config schema prints the committed schema', () => {
  const committed = readFileSync(join(import.meta.dirname, '../../docs/farthing.schema.json'), 'utf8');
  expect(JSON.parse(run(['config', 'schema']).out)).toEqual(JSON.parse(committed));
});

test('help loads no schema library, and config check no server and no store', () => {
  writeConfig('good.yaml', 'providers: { x: { protocol: openai, baseUrl: "http://127.0.0.1:1" } }\n');
  // Each module that is loaded is named on stderr by a hook that runs before the program.
  writeConfig(
    'hook.mjs',
    "import { registerHooks } from 'node:module';\nregisterHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });\n",
  );
  const hook = ['--import', join(folder, 'hook.mjs')];
  const help = run(['--help'], {}, hook).err;
  expect(help).toContain('/commander/');
  expect(help).not.toMatch(/node_modules\/(zod|yaml|fastify|undici|better-sqlite3|pino)\//);
  const check = run(['config', 'check', '-c', 'good.yaml'], {}, hook).err;
  expect(check).toContain('node_modules/zod/');
  expect(check).not.toMatch(/node_modules\/(fastify|undici|better-sqlite3|pino|prom-client|@clack)\//);
});
