import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, onTestFinished, test, vi } from 'vitest';
import { registerStatus } from '../../src/cli/routes/status-command.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { startGateway } from '../../src/gateway/start-gateway.ts';
import { CALM, GATEWAY_KEY } from '../support/gateway-stack.ts';
import { replyText } from '../support/fake-asked-engine.ts';

const ADMIN_KEY = 'an-admin-key-of-the-tests-that-is-long-enough';
const CALLS = 70;

/** A provider whose models all say the same. */
async function startUpstream(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const reply = JSON.parse(replyText('chat', 'right')) as object;
      const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...reply, usage }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function configAt(folder: string, origin: string): string {
  const path = join(folder, 'farthing.yaml');
  const config = {
    version: 1,
    listen: '127.0.0.1:0',
    storage: join(folder, 'data'),
    providers: { openai: { protocol: 'openai', vendor: 'openai', baseUrl: `${origin}/v1`, apiKey: 'sk-simulated' } },
    cache: { mode: 'off' },
    admin: { key: ADMIN_KEY },
    keys: [{ name: 'tests', project: 'tests', key: GATEWAY_KEY }],
    limits: CALM,
    log: { level: 'error' },
    routes: [
      {
        name: 'chat',
        match: { model: 'gpt-5.4' },
        targets: ['openai/gpt-5.4-nano', 'openai/gpt-5.4'],
        quality: {
          maxQualityLoss: 0.2,
          confidence: 0.9,
          calibrate: 1,
          sample: 1,
          judge: 'exact',
          log: join(folder, 'judged.jsonl'),
        },
      },
    ],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

async function openGateway(path: string): ReturnType<typeof startGateway> {
  const { config } = loadConfig({ text: readFileSync(path, 'utf8'), env: {}, readFile: () => '' });
  return startGateway({ config });
}

async function ask(url: string, index: number): Promise<string | null> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${GATEWAY_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4', messages: [{ role: 'user', content: `question ${index}` }] }),
  });
  await response.text();
  return response.headers.get('x-farthing-model');
}

async function look(url: string, path: string): Promise<string> {
  return (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).text();
}

interface ToldRoute {
  readonly standing: string;
  readonly allSamples: number;
  readonly guardCostUsd: string;
}

async function toldRoute(url: string): Promise<ToldRoute> {
  const { routes } = JSON.parse(await look(url, '/admin/v1/routes')) as { routes: readonly [ToldRoute] };
  return routes[0];
}

/** What the command prints. */
async function printed(...words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const program = new Command();
  registerStatus(program);
  await program.parseAsync(['status', ...words], { from: 'user' }).finally(() => log.mockRestore());
  return lines.join('\n');
}

test('a gateway tells what is certified: to operators, in metrics, to the command line, and after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-status-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = configAt(folder, await startUpstream());
  expect(await printed('--config', path)).toMatch(/chat +openai\/gpt-5\.4-nano +calibrating +- +0 /);

  const gateway = await openGateway(path);
  const targets = new Set<string | null>();
  for (let index = 0; index < CALLS; index += 1) targets.add(await ask(gateway.url, index)); // oxlint-disable-line no-await-in-loop
  await expect.poll(async () => (await toldRoute(gateway.url)).allSamples, { timeout: 5000 }).toBe(CALLS);
  expect(targets).toEqual(new Set(['openai/gpt-5.4', 'openai/gpt-5.4-nano']));
  const told = await toldRoute(gateway.url);
  expect(told).toMatchObject({
    route: 'chat',
    standing: 'certified',
    certified: 'openai/gpt-5.4-nano',
    candidates: [{ name: 'openai/gpt-5.4-nano', isCertified: true, samples: CALLS, meanLoss: 0 }],
    isLoaded: true,
  });
  expect((await fetch(`${gateway.url}/admin/v1/routes`)).status).toBe(401);
  const metrics = await look(gateway.url, '/metrics');
  expect(metrics).toContain('farthing_route_certified{route="chat",target="openai/gpt-5.4-nano"} 1');
  expect(metrics).toContain('farthing_route_mean_loss{route="chat",target="openai/gpt-5.4-nano"} 0');
  expect(metrics).toContain(`farthing_route_samples_total{route="chat",outcome="judged"} ${CALLS}`);
  expect(metrics).toContain(`farthing_route_guard_cost_usd_total{route="chat"} ${Number(told.guardCostUsd)}`);

  const text = await printed('--config', path);
  expect(text).toMatch(
    /chat +openai\/gpt-5\.4-nano +certified +20\S+Z +70 +0\.000 +0\.000 to 0\.000 +0\.200 +\d+ % of an alarm/,
  );
  expect(text).toContain('Limits:\n- The loss is a mean');
  await gateway.close();
  const stored = JSON.parse(await printed('--config', path, '--json')) as { routes: readonly [ToldRoute] };
  expect(stored.routes[0]).toEqual(told);
  const judged = readFileSync(join(folder, 'judged.jsonl'), 'utf8').trimEnd().split('\n');
  expect(judged).toHaveLength(CALLS);
  // So that farthing replay can price them.
  const someTokens = { inputTokens: expect.any(Number) as unknown, outputTokens: expect.any(Number) as unknown };
  expect(JSON.parse(judged[0] ?? '')).toMatchObject({
    prompt: 'question 0',
    models: { 'openai/gpt-5.4-nano': { quality: 1, ...someTokens }, 'openai/gpt-5.4': { quality: 1, ...someTokens } },
  });

  const again = await openGateway(path);
  expect(await ask(again.url, 0)).toBe('openai/gpt-5.4-nano');
  await again.close();
});

test('a configuration without quality to keep says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'farthing-status-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'farthing.yaml');
  const providers = { openai: { protocol: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: '' } };
  writeFileSync(path, JSON.stringify({ version: 1, storage: join(folder, 'data'), providers }));
  expect(await printed('--config', path)).toMatch(/nothing is guarded/);
  expect(JSON.parse(await printed('--config', path, '--json'))).toEqual({ routes: [] });
});
