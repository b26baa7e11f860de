// Runs the suite and closes with what was skipped, by name, and one line of counts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'farthing-test-'));
const report = join(folder, 'report.json');
const run = spawnSync(
  'vitest',
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
let counts = { passed: 0, failed: 1, skipped: 0 };
try {
  const results = JSON.parse(readFileSync(report, 'utf8'));
  const tests = results.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ file: file.name, ...test })),
  );
  const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed');
  for (const test of skipped) console.log(`skipped: ${test.fullName}`);
  // Again at the end, where a reader of the last lines sees them.
  for (const test of tests.filter(({ status }) => status === 'failed')) {
    console.log(`failed: ${relative(process.cwd(), test.file)}: ${test.fullName}`);
    console.log(`  ${(test.failureMessages[0] ?? '').split('\n').slice(0, 3).join('\n  ').slice(0, 400)}`);
  }
  const brokenFiles = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  for (const file of brokenFiles) console.log(`did not load: ${file.name}`);
  counts = {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter((test) => test.status === 'failed').length + brokenFiles.length,
    skipped: skipped.length,
  };
} catch (error) {
  console.log(`no report of the tests: ${error.message}`);
}
rmSync(folder, { recursive: true, force: true });
const isBad = run.status !== 0 || counts.failed > 0;
if (run.status !== 0 && counts.failed === 0) console.log(`the test runner ended with status ${run.status}`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(isBad ? 1 : 0);
