// Holds what is installed with Farthing: no known holes, no install scripts but those that are allowed by name, and a bill of materials that
// names every runtime dependency.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Scripts that npm runs on the machine of whoever installs a package, from a registry or from a repository. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];

const own = JSON.parse(readFileSync('package.json', 'utf8'));
const locked = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
const faults = [...scriptFaults(), ...auditFaults(), ...billFaults()];
for (const fault of faults) console.log(fault);
console.log(`${faults.length} faults`);
process.exit(faults.length > 0 ? 1 : 0);

function scriptFaults() {
  const ours = INSTALL_SCRIPTS.filter((name) => own.scripts?.[name] !== undefined);
  const others = Object.entries(locked).flatMap(([path, entry]) => {
    if (entry.hasInstallScript !== true) return [];
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (entry.dev !== true) return [`${name} would run an install script for users`];
    return Object.hasOwn(own.allowScripts ?? {}, name)
      ? []
      : [`${name} has an install script and is not in allowScripts`];
  });
  return [...ours.map((name) => `package.json: "${name}" would run for users`), ...others];
}

/** Known holes of runtime dependencies; a registry that does not answer is told, and is no fault. */
function auditFaults() {
  const words = ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=20000'];
  const { stdout, stderr } = spawnSync('npm', words, { encoding: 'utf8', timeout: 120_000 });
  const report = jsonOf(stdout);
  if (report?.auditReportVersion === undefined) {
    const reason = report?.message ?? stderr?.split('\n')[0] ?? 'no answer';
    console.log(`skipped: npm audit: the registry does not answer (${reason})`);
    return [];
  }
  return Object.values(report.vulnerabilities).map(
    ({ name, severity, range }) => `${name} ${range}: a ${severity} hole`,
  );
}

/**
 * The bill is made of all packages and not with `--omit dev`: npm 11 then leaves out runtime dependencies that a development dependency
 * needs, too.
 */
function billFaults() {
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const { stdout } = spawnSync('npm', words, { encoding: 'utf8', timeout: 120_000, maxBuffer: 64 * 1024 * 1024 });
  const folder = mkdtempSync(join(tmpdir(), 'farthing-bill-'));
  try {
    const file = join(folder, 'farthing.cdx.json');
    writeFileSync(file, stdout ?? '');
    const bill = jsonOf(readFileSync(file, 'utf8'));
    if (bill?.bomFormat !== 'CycloneDX') return ['npm sbom made no bill of materials'];
    const named = new Set(bill.components.filter((part) => !isForDevelopment(part)).map(({ purl }) => purl));
    return runtimePackages().flatMap(({ name, version }) =>
      named.has(`pkg:npm/${name.replace('@', '%40')}@${version}`)
        ? []
        : [`the bill of materials lacks ${name} ${version}`],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isForDevelopment({ properties = [] }) {
  return properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
}

function runtimePackages() {
  return Object.keys(own.dependencies).map((name) => ({ name, version: locked[`node_modules/${name}`]?.version }));
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
