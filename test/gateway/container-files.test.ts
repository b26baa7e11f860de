import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load-config.ts';
import { requestGuard } from '../../src/gateway/request-guard.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Instructions of a Dockerfile: comments dropped, continued lines joined. */
function instructions(text: string): readonly Instruction[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  return lines.flatMap((line) => {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line.trim());
    return match === null ? [] : [{ name: match[1] ?? '', text: match[2] ?? '' }];
  });
}

/** What is wrong with a Dockerfile, in the words of a reviewer. */
function dockerfileFaults(text: string): readonly string[] {
  const all = instructions(text);
  const faults: string[] = [];
  const lastStage = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
  for (const { name, text: rest } of all) {
    if (name === 'FROM' && !/^[a-z][a-z0-9./-]*(?::(?!latest)[\w.-]+|@sha256:[0-9a-f]{64})(?: AS \w+)?$/.test(rest))
      faults.push(`unpinned base: ${rest}`);
    if (name === 'ADD') faults.push('ADD fetches and unpacks: use COPY');
    if (/\b(?:ENV|ARG)\b/.test(name) && /key|secret|token|password/i.test(rest))
      faults.push(`a secret in the image: ${rest}`);
    if (name === 'RUN' && /\bnpm install\b/.test(rest) && !/@\d+\.\d+\.\d+/.test(rest))
      faults.push(`npm install without a version: ${rest}`);
    if (name === 'RUN' && /\b(?:sudo|curl|wget|chmod 777)\b/.test(rest)) faults.push(`not here: ${rest}`);
    if (name === 'COPY' && /^(?:--\S+ )*\. /.test(rest)) faults.push('COPY . takes in what happens to lie there');
  }
  const lock = all.findIndex(({ name, text: rest }) => name === 'COPY' && rest.includes('package-lock.json'));
  const install = all.findIndex(({ name, text: rest }) => name === 'RUN' && rest.includes('npm ci'));
  const sources = all.findIndex(({ name, text: rest }) => name === 'COPY' && /\bsrc\b/.test(rest));
  if (!(lock >= 0 && lock < install && install < sources)) faults.push('order: lockfile, npm ci, sources');
  const user = lastStage.findLast(({ name }) => name === 'USER')?.text;
  if (user === undefined || /^(?:root|0)\b/.test(user)) faults.push('runs as root');
  if (!lastStage.some(({ name }) => name === 'HEALTHCHECK')) faults.push('no health check');
  const isShellForm = lastStage.some(
    ({ name, text: rest }) => ['ENTRYPOINT', 'CMD'].includes(name) && !rest.startsWith('['),
  );
  if (isShellForm) faults.push('a shell would swallow signals');
  return faults;
}

describe('the Dockerfile', () => {
  test('has none of the usual faults', () => {
    expect(dockerfileFaults(read('Dockerfile'))).toEqual([]);
  });

  test.each([
    ['FROM node:24-slim AS build', 'FROM node AS build', 'unpinned base: node AS build'],
    ['FROM node:24-slim AS build', 'FROM node:latest AS build', 'unpinned base: node:latest AS build'],
    ['USER node', 'USER root', 'runs as root'],
    ['ENV NODE_ENV=production', 'ENV OPENAI_API_KEY=x', 'a secret in the image: OPENAI_API_KEY=x'],
    ['COPY src ./src', 'COPY . .', 'COPY . takes in what happens to lie there'],
    ['ENTRYPOINT ["node", "/app/dist/cli/main.js"]', 'ENTRYPOINT node main.js', 'a shell would swallow signals'],
  ])('would be caught with %s turned into %s', (from, to, fault) => {
    const text = read('Dockerfile');
    expect(text).toContain(from);
    expect(dockerfileFaults(text.replace(from, to))).toContain(fault);
  });

  test('copies only files that are there and that .dockerignore lets in', () => {
    const ignore = read('.dockerignore').split('\n');
    const copied = instructions(read('Dockerfile'))
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect(ignore[1]).toBe('*');
    for (const name of copied) expect(ignore).toContain(`!${name}`);
    expect(ignore.some((line) => line.includes('farthing-data') || line.includes('.env'))).toBe(false); // all is out but what is let in
  });

  test('installs the embedded store in the version that the lockfile has', () => {
    const lock: { readonly packages: Readonly<Record<string, { readonly version: string }>> } = JSON.parse(
      read('package-lock.json'),
    );
    expect(read('Dockerfile')).toContain(`better-sqlite3@${lock.packages['node_modules/better-sqlite3']?.version}`);
  });
});

interface Service {
  readonly image?: string;
  readonly ports?: readonly string[];
  readonly privileged?: boolean;
  readonly healthcheck?: object;
  readonly environment?: Readonly<Record<string, string>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

describe('compose.yaml', () => {
  const compose: Compose = parse(read('compose.yaml'));

  test('has the gateway, Redis and Postgres, pinned, and opens nothing beyond loopback', () => {
    expect(Object.keys(compose.services)).toEqual(['gateway', 'redis', 'postgres']);
    for (const [name, { image, ports, privileged }] of Object.entries(compose.services)) {
      expect([name, image ?? 'built']).toEqual([name, expect.stringMatching(/^built$|:\d[\w.-]+$/)]);
      expect((ports ?? []).filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
      expect(privileged).toBeUndefined();
    }
  });

  test('holds no secret: each is taken from the environment', () => {
    const values = Object.values(compose.services).flatMap(({ environment = {} }) => Object.entries(environment));
    const secrets = values.filter(([name]) => /KEY|PASSWORD|SECRET|TOKEN/.test(name));
    expect(secrets.length).toBeGreaterThan(3);
    for (const [, value] of secrets) expect(value).toMatch(/^\$\{[A-Z_]+:[-?].*\}$/);
  });

  test('carries a configuration that loads, listens to other containers, and serves the name that they use', () => {
    const long = 'x'.repeat(40);
    const env = { OPENAI_API_KEY: 'a', FARTHING_DEMO_KEY: `demo-${long}`, FARTHING_ADMIN_KEY: `admin-${long}` };
    const text = (compose.configs['farthing']?.content ?? '').replaceAll('$$', '$');
    const { config } = loadConfig({ text, env, readFile: () => '' });
    expect([config.listen.host, config.auth, config.storage]).toEqual([
      '0.0.0.0',
      'required',
      { kind: 'folder', path: '/data' },
    ]);
    const guard = requestGuard({ listenHost: config.listen.host, allowedHosts: config.allowedHosts });
    const knock = (host: string): number | undefined =>
      guard({ url: '/', method: 'GET', headers: { host }, rawHeaders: ['Host', host] })?.status;
    expect([knock('gateway:4141'), knock('172.18.0.5:4141'), knock('evil.example.com')]).toEqual([
      undefined,
      undefined,
      403,
    ]);
  });
});
