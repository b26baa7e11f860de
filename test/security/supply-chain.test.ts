import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

interface Locked {
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
}

const json = (path: string): unknown => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const own = json('package.json') as Manifest;
const locked = Object.entries((json('package-lock.json') as { packages: Record<string, Locked> }).packages);

test('no script runs on the machine of whoever installs Farthing', () => {
  const names = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
  expect(names.filter((name) => Object.hasOwn(own.scripts, name))).toEqual([]);
  const running = locked.filter(([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true);
  expect(running.map(([path]) => path)).toEqual([]);
});

test('scripts of packages for development are allowed or refused by name', () => {
  const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const unnamed = scripted.filter(([path]) => !Object.hasOwn(own.allowScripts, path.replace(/^.*node_modules\//, '')));
  expect(unnamed.map(([path]) => path)).toEqual([]);
});

test('every package in the lockfile has its hash, and none comes from elsewhere than a registry', () => {
  const packages = locked.filter(([path]) => path !== '');
  expect(packages.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true)).toEqual([]);
  const places = packages.flatMap(([, { resolved }]) => (resolved === undefined ? [] : [new URL(resolved).protocol]));
  expect(places.filter((protocol) => protocol !== 'https:')).toEqual([]);
});
