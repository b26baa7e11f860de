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

  test('installs the optional packages in the versions that the lockfile has', () => {
    const lock: { readonly packages: Readonly<Record<string, { readonly version: string }>> } = JSON.parse(
      read('package-lock.json'),
    );
    const peers: { readonly peerDependencies: Readonly<Record<string, string>> } = JSON.parse(read('package.json'));
    const wanted = Object.keys(peers.peerDependencies).map(
      (name) => `${name}@${lock.packages[`node_modules/${name}`]?.version}`,
    );
    expect(wanted).toHaveLength(7);
    for (const each of wanted) expect(read('Dockerfile')).toMatch(new RegExp(`npm install [^&\\n]* ${each}(?: |\\n)`));
  });
});

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly privileged?: boolean;
  readonly user?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const SECRET = /KEY|PASSWORD|SECRET|TOKEN/;

describe.each([
  { file: 'compose.yaml', gateways: ['gateway'], services: [], secrets: 4 },
  { file: 'compose.services.yaml', gateways: ['gateway-1', 'gateway-2'], services: ['redis', 'postgres'], secrets: 6 },
])('$file', ({ file, gateways, services, secrets }) => {
  const compose: Compose = parse(read(file), { merge: true });
  const all = Object.entries(compose.services);

  test('has gateways and what they need, pinned, and opens nothing beyond loopback', () => {
    expect(all.map(([name]) => name)).toEqual([...gateways, ...services]);
    for (const [name, { image, build, ports = [], privileged }] of all) {
      expect([name, build ?? image]).toEqual([name, expect.stringMatching(/^\.$|:\d[\w.-]+$/)]);
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
      if (services.includes(name)) expect(ports).toEqual([]);
      expect(privileged).toBeUndefined();
    }
    const addresses = all.flatMap(([, { ports = [] }]) => ports);
    expect(new Set(addresses).size).toBe(gateways.length);
  });

  test('holds no secret: each is taken from the environment, and missing ones are named', () => {
    for (const [name, { environment = {} }] of all) {
      const values = Object.entries(environment).filter(([variable]) => SECRET.test(variable));
      if (gateways.includes(name)) expect(values).toHaveLength(secrets);
      for (const [variable, value] of values) expect(value).toMatch(new RegExp(`^\\$\\{${variable}:(?:-|\\?.+)\\}$`));
    }
  });

  test('waits for services that are healthy, which know the secrets that their checks use', () => {
    const wanted = Object.fromEntries(services.map((name) => [name, { condition: 'service_healthy' }]));
    for (const name of gateways) expect(compose.services[name]?.depends_on ?? {}).toEqual(wanted);
    for (const name of services) {
      const { healthcheck, environment = {}, command = [] } = compose.services[name] ?? {};
      const shell = [...(healthcheck?.test ?? []), ...command].join(' ');
      expect(healthcheck?.test[0]).toMatch(/^CMD/);
      for (const [, variable = ''] of shell.matchAll(/\$\$(\w+)/g))
        expect(Object.keys(environment)).toContain(variable);
    }
  });

  test('declares the volumes that it uses', () => {
    const used = all.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    expect(used).toEqual(Object.keys(compose.volumes));
  });

  test('carries a configuration that loads, listens to other containers, and serves the names that they use', () => {
    const { config } = configOf(compose);
    expect([config.listen.host, config.auth]).toEqual(['0.0.0.0', 'required']);
    const guard = requestGuard({ listenHost: config.listen.host, allowedHosts: config.allowedHosts });
    const knock = (host: string): number | undefined =>
      guard({ url: '/', method: 'GET', headers: { host }, rawHeaders: ['Host', host] })?.status;
    for (const name of gateways) expect(knock(`${name}:4141`)).toBeUndefined();
    expect([knock('172.18.0.5:4141'), knock('evil.example.com')]).toEqual([undefined, 403]);
  });
});

/** As the container reads it: compose turns `$$` into `$`. */
function configOf(compose: Compose): ReturnType<typeof loadConfig> {
  const long = 'x'.repeat(40);
  const env = {
    OPENAI_API_KEY: 'a',
    FARTHING_DEMO_KEY: `demo-${long}`,
    FARTHING_ADMIN_KEY: `admin-${long}`,
    REDIS_PASSWORD: 'redissecret',
    POSTGRES_PASSWORD: 'postgressecret',
  };
  const text = (compose.configs['farthing']?.content ?? '').replaceAll('$$', '$');
  return loadConfig({ text, env, readFile: () => '' });
}

test('one gateway keeps its data in its volume', () => {
  const compose: Compose = parse(read('compose.yaml'));
  expect(configOf(compose).config.storage).toEqual({ kind: 'folder', path: '/data' });
  expect(compose.services['gateway']?.volumes).toEqual(['farthing-data:/data']);
});

test('several gateways share Redis, which evicts and keeps nothing, and Postgres, which keeps all', () => {
  const compose: Compose = parse(read('compose.services.yaml'), { merge: true });
  const { config } = configOf(compose);
  expect(config.storage).toEqual({
    kind: 'services',
    redisUrl: 'redis://:redissecret@redis:6379',
    postgresUrl: 'postgres://farthing:postgressecret@postgres:5432/farthing',
  });
  expect(config.budgets).toMatchObject([{ name: 'everything', mode: 'hard' }]);
  const { redis, postgres } = compose.services;
  expect(redis?.command?.join(' ')).toMatch(/--maxmemory-policy noeviction --save '' --appendonly no$/);
  expect([redis?.user, redis?.volumes]).toEqual(['redis', undefined]);
  expect(postgres?.environment).toMatchObject({ POSTGRES_USER: 'farthing', POSTGRES_DB: 'farthing' });
  expect(postgres?.volumes).toEqual(['postgres-data:/var/lib/postgresql/data']);
});
