import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startSimulatedProvider } from '../../src/simulator/simulated-provider.ts';
import { hasChromium, startChromium } from '../support/chromium.ts';
import { GATEWAY_KEY, startGatewayFace } from '../support/gateway-stack.ts';
import { SIMULATED_PRICES } from '../support/simulated-prices.ts';

const PAGE = readFileSync(new URL('foreign-page.html', import.meta.url));
/** A name that an attacker's name server lets point to this machine, once its page is loaded. */
const REBOUND = 'rebound.example';

/** Listens on a free port of loopback until the test ends. */
async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const servePage = (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
};

describe.skipIf(!hasChromium())('a page of another origin in a real browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium([REBOUND, 'page.example']);
  });
  afterAll(() => browser.close());

  /** Opens the page and lets it try everything against `target`. */
  async function attack(
    target: string,
    headers: Readonly<Record<string, string>> = {},
    host = '127.0.0.1',
  ): Promise<{ readonly learnt: Readonly<Record<string, string>>; readonly statuses: ReadonlySet<number> }> {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const statuses = new Set<number>();
    page.on('response', (response) => {
      if (response.url().startsWith(target)) statuses.add(response.status());
    });
    await page.goto(`http://${host}:${await listen(servePage)}/`);
    const script = `attack(${JSON.stringify(target)}, ${JSON.stringify(headers)})`;
    return { learnt: await page.evaluate<Record<string, string>>(script), statuses };
  }

  async function startTarget(config: Readonly<Record<string, unknown>>): Promise<{
    readonly url: string;
    /** What reached the provider, and calls that the gateway counted. */
    reached(): Promise<readonly string[]>;
  }> {
    const provider = await startSimulatedProvider({ prices: SIMULATED_PRICES, latencyRatio: 0 });
    onTestFinished(() => provider.close());
    const { anthropicBaseUrl: url } = await startGatewayFace({ origin: provider.origin, mode: 'all', config });
    return {
      url,
      reached: async () => {
        const metrics = await (await fetch(`${url}/metrics`)).text();
        const counted = metrics.split('\n').filter((line) => line.startsWith('farthing_calls_total{'));
        return [...provider.journal().map((entry) => entry.path), ...counted];
      },
    };
  }

  const NOTHING_LEARNT = {
    json: 'refused: TypeError',
    'simple text': 'opaque',
    beacon: 'sent',
    'simple get': 'opaque',
    'readable get': 'refused: TypeError',
    script: 'error',
    form: 'unreadable',
    navigation: 'unreadable',
    websocket: 'refused: WebSocketError',
  };

  test('would reach a server that does not defend itself, by every way that is tried', async () => {
    const seen = new Set<string>();
    const port = await listen((request, response) => {
      seen.add(`${request.method} ${request.headers['content-type'] ?? request.headers.upgrade ?? ''}`.trim());
      const { origin = '*' } = request.headers;
      const allowed = { 'access-control-allow-origin': origin, 'access-control-allow-headers': '*' };
      response.writeHead(200, { 'content-type': 'text/javascript', ...allowed }).end('0');
    });
    const { learnt } = await attack(`http://127.0.0.1:${port}`, { 'x-api-key': 'any' });
    expect(learnt).toMatchObject({ json: '200 0', 'readable get': '200 0', script: 'load' });
    expect([...seen].toSorted()).toEqual([
      'GET',
      'GET websocket',
      'OPTIONS',
      'POST application/json',
      'POST text/plain',
      'POST text/plain;charset=UTF-8',
    ]);
  });

  test.each(['127.0.0.1', 'localhost', 'page.example'])(
    'at %s learns nothing from a gateway without keys and spends nothing',
    async (host) => {
      const { url, reached } = await startTarget({ auth: 'none', keys: [] });
      expect(await attack(url, {}, host)).toEqual({ learnt: NOTHING_LEARNT, statuses: new Set([403]) });
      expect(await reached()).toEqual([]);
    },
  );

  test('that knows a key learns nothing and spends nothing either', async () => {
    const { url, reached } = await startTarget({});
    const { learnt, statuses } = await attack(url, { authorization: `Bearer ${GATEWAY_KEY}` });
    expect([learnt, [...statuses]]).toEqual([NOTHING_LEARNT, [403]]);
    expect(await reached()).toEqual([]);
  });

  test('whose name is bound anew to the gateway gets no answer but 403, though it is of the same origin then', async () => {
    const { url, reached } = await startTarget({ auth: 'none', keys: [] });
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const opened = await page.goto(`http://${REBOUND}:${new URL(url).port}/healthz`);
    expect(opened?.status()).toBe(403);
    const answer = await page.evaluate<string>(
      `fetch('/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"model":"gpt-5.4-mini","messages":[]}' })
        .then(async (answer) => answer.status + ' ' + (await answer.text()))`,
    );
    expect(answer).toMatch(/^403 .*this Host is not served here/);
    expect(await reached()).toEqual([]);
  });
});
