import { Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ENDPOINTS, type Endpoint } from '../../src/core/model/protocol.ts';
import type { HttpRoute } from '../../src/gateway/http-route.ts';
import { type AddressForm, addressForms } from '../support/address-forms.ts';
import { type CanaryServer, startCanaryServer } from '../support/canary-server.ts';
import { raw } from '../gateway/gateway-fixture.ts';
import { gatewayRoutes } from '../support/gateway-routes.ts';
import { goodAnswer } from '../support/recording-upstream.ts';
import {
  leastBody,
  type SecurityStage,
  STAGE_ADMIN_KEY,
  STAGE_KEY,
  STAGE_PROVIDER_KEY,
  startSecurityStage,
} from '../support/security-stage.ts';

const agent = new Agent({ keepAlive: true });
let canary: CanaryServer;
let stage: SecurityStage;
let routes: readonly HttpRoute[];

beforeAll(async () => {
  canary = await startCanaryServer();
  stage = await startSecurityStage();
  routes = await gatewayRoutes();
});
afterAll(async () => {
  agent.destroy();
  await stage.close();
  await canary.close();
});
beforeEach(() => {
  stage.upstream.seen.length = 0;
});

const endpointAt = (path: string): Endpoint | undefined =>
  (Object.keys(ENDPOINTS) as Endpoint[]).find((name) => ENDPOINTS[name].clientPath === path);

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request; undefined for what Node itself refuses to send. */
function send({ method, target, headers, body }: Sent): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    try {
      // Node states no length of its own for DELETE.
      const framed = body === '' ? headers : { ...headers, 'content-length': Buffer.byteLength(body) };
      const request = httpRequest(stage.url, { method, path: target, headers: framed, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(body);
    } catch {
      resolve(undefined);
    }
  });
}

const pathAt = ({ path }: HttpRoute): string => path.replace('*', 'audio/speech').replaceAll(/:\w+/g, 'x');

const headersFor = ({ access }: HttpRoute): Record<string, string> => ({
  authorization: `Bearer ${access === 'admin' ? STAGE_ADMIN_KEY : STAGE_KEY}`,
  'content-type': 'application/json',
});

/** A request for a route with an address in it. */
function sentFor(route: HttpRoute, form: AddressForm): Sent {
  const endpoint = endpointAt(route.path);
  const changes = form.kind === 'member' ? form.members : form.kind === 'model' ? { model: form.model } : {};
  const body = endpoint === undefined ? JSON.stringify(changes) : leastBody(endpoint, changes);
  const behind = form.kind === 'query' ? `?${form.query}` : form.kind === 'suffix' ? form.suffix : '';
  return {
    method: route.method,
    target: `${pathAt(route)}${behind}`,
    headers: { ...headersFor(route), ...(form.kind === 'header' ? form.headers : {}) },
    body: hasBody(route) ? body : '',
  };
}

function hasBody({ method }: HttpRoute): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/** Whether a route reads what the form is written in: a body, the name of a model. */
function isTaken(route: HttpRoute, { kind }: AddressForm): boolean {
  if (kind === 'model') return endpointAt(route.path) !== undefined;
  return kind !== 'member' || hasBody(route);
}

/** What is wrong with an answer: it must be a success, or a refusal of ours in a protocol's shape. */
function faultOf({ status, body }: Answer, isHead: boolean): string | undefined {
  if (status < 300 || (isHead && status < 500)) return undefined;
  if (status < 400 || status >= 500) return `answered ${status}`;
  return /^\{(?:"type":"error",)?"error":\{.*"message":"/.test(body) ? undefined : `refused without shape: ${body}`;
}

/** What is wrong with what the upstream was sent. */
function upstreamFaults(route: HttpRoute, form: AddressForm, sent: Sent): readonly string[] {
  const endpoint = endpointAt(route.path);
  return stage.upstream.seen.splice(0).flatMap(({ target, headers, body }) => {
    const faults: string[] = [];
    if (headers.host !== new URL(stage.upstream.origin).host) faults.push(`Host ${headers.host}`);
    if (![headers['x-api-key'], headers.authorization].flat().some((value) => value?.endsWith(STAGE_PROVIDER_KEY)))
      faults.push('another credential');
    if (JSON.stringify(headers).includes(String(canary.port))) faults.push(`headers ${JSON.stringify(headers)}`);
    if (/"(?:x-http-method-override|x-(?:original|rewrite)-url)"/.test(JSON.stringify(headers)))
      faults.push('override');
    // What looks like an address in a body is data: it goes on byte for byte.
    if (form.kind !== 'model' && body.toString() !== sent.body) faults.push(`body ${body.toString()}`);
    if (!isExpected(target, route, form, endpoint)) faults.push(`target ${target}`);
    return faults;
  });
}

function isExpected(target: string, route: HttpRoute, form: AddressForm, endpoint: Endpoint | undefined): boolean {
  if (route.metering === 'none') return false;
  if (endpoint === undefined) {
    // As whoever decodes it once, normalises it and drops parameters of segments would read it.
    const path = target.split('?')[0] ?? '';
    const read = new URL(decodeURIComponent(path).replaceAll(/;[^/]*/g, ''), stage.upstream.origin);
    return read.origin === stage.upstream.origin && read.pathname.startsWith('/openai/v1/audio/');
  }
  const { protocol, providerPath } = ENDPOINTS[endpoint];
  const base = `${protocol === 'openai' ? '/openai/v1' : '/anthropic'}${providerPath}`;
  return target === (form.kind === 'query' ? `${base}?${form.query}` : base);
}

const nameOf = (form: AddressForm): string => JSON.stringify(form);

describe('no member, header, query, path or model name moves a call elsewhere', () => {
  test('the forms are many, and the canary hears whoever calls it', async () => {
    expect(addressForms(canary.port).length).toBeGreaterThan(45);
    const counted = canary.connections();
    await new Promise((resolve) => connect(canary.port, '127.0.0.1').on('close', resolve));
    expect(canary.connections()).toBe(counted + 1);
  });

  test('on any route', { timeout: 120_000 }, async () => {
    const before = canary.connections();
    const faults: string[] = [];
    let served = 0;
    for (const route of routes) {
      for (const form of addressForms(canary.port).filter((some) => isTaken(route, some))) {
        const sent = sentFor(route, form);
        // oxlint-disable-next-line no-await-in-loop -- what the upstream sees belongs to one request
        const answer = await send(sent);
        if (answer === undefined) continue;
        if (answer.status < 300 && route.metering !== 'none') served += 1;
        const found = [faultOf(answer, route.method === 'HEAD') ?? [], upstreamFaults(route, form, sent)].flat();
        faults.push(...found.map((fault) => `${route.method} ${route.path} ${nameOf(form)}: ${fault}`));
        if (canary.connections() !== before) throw new Error(`${route.method} ${route.path} ${nameOf(form)} got out`);
      }
    }
    expect(faults).toEqual([]);
    expect(served).toBeGreaterThan(1000);
  });

  test('nor does an absolute request target, or one that is no path', async () => {
    const before = canary.connections();
    const there = `127.0.0.1:${canary.port}`;
    const targets = routes.flatMap((route) =>
      [`http://${there}`, `https://${there}`, 'http://localhost', `//${there}`, there, 'x', '\\\\'].map(
        (prefix) => [route, `${prefix}${pathAt(route)}`] as const,
      ),
    );
    const answers = targets.map(async ([route, target]) => {
      const { authorization = '' } = headersFor(route);
      const head = `${route.method} ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n`;
      const answer = await raw(stage.port, `${head}Content-Length: 0\r\nConnection: close\r\n\r\n`);
      return /^HTTP\/1.1 4\d\d /.test(answer) ? [] : [`${route.method} ${target}: ${answer.slice(0, 40)}`];
    });
    expect((await Promise.all(answers)).flat()).toEqual([]);
    expect(stage.upstream.seen).toEqual([]);
    expect(canary.connections()).toBe(before);
  });
});

describe('a redirect of a provider is not followed, nor handed on to the client', () => {
  const asking = (): readonly HttpRoute[] => routes.filter(({ metering }) => metering !== 'none');

  test.each([301, 302, 303, 307, 308])('status %i', async (status) => {
    const before = canary.connections();
    const places = [`http://127.0.0.1:${canary.port}/v1`, `//127.0.0.1:${canary.port}/`, '/elsewhere', 'elsewhere'];
    const faults: string[] = [];
    for (const route of asking()) {
      for (const location of places) {
        stage.upstream.seen.length = 0;
        stage.upstream.answer = (_request, response) =>
          response.writeHead(status, { location, refresh: `0; url=${location}` }).end('{}');
        // oxlint-disable-next-line no-await-in-loop -- what the upstream sees belongs to one request
        const answer = await send(sentFor(route, { kind: 'header', headers: {} }));
        const { length } = stage.upstream.seen;
        const { location: handedOn, refresh } = answer?.headers ?? {};
        if (length !== 1 || handedOn !== undefined || refresh !== undefined)
          faults.push(
            `${route.method} ${route.path} to ${location}: ${length} requests, ${String(handedOn ?? refresh)}`,
          );
      }
    }
    stage.upstream.answer = goodAnswer;
    expect(faults).toEqual([]);
    expect(canary.connections()).toBe(before);
  });
});
