import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { raw } from '../gateway/gateway-fixture.ts';
import { leastBody, type SecurityStage, STAGE_KEY, startSecurityStage } from '../support/security-stage.ts';

let stage: SecurityStage;

beforeAll(async () => {
  stage = await startSecurityStage({
    limits: { maxBody: '10KB', headersTimeout: '500ms', requestTimeout: '1s', drainTimeout: '1s' },
  });
});
afterAll(async () => stage.close());
beforeEach(() => {
  stage.upstream.seen.length = 0;
  stage.upstream.malformed.length = 0;
});

const METERED = '/v1/chat/completions';
const PATHS = [METERED, '/v1/audio/speech'];
const BODY = leastBody('chat');
const CHUNKED_BODY = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

/** Chunks, and lines behind the last of them. */
function trailing(lines: string): string {
  return `${CHUNKED_BODY.slice(0, -2)}${lines}\r\n`;
}

/** A request's head without its last line. */
function head(path: string, lines: string, version = 'HTTP/1.1'): string {
  const fixed = `Host: localhost\r\nAuthorization: Bearer ${STAGE_KEY}\r\nContent-Type: application/json\r\n`;
  return `POST ${path} ${version}\r\n${fixed}${lines}\r\n`;
}

const smuggled = `${head('/v1/embeddings', `Content-Length: ${leastBody('embeddings').length}\r\n`)}${leastBody('embeddings')}`;
const last = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** Status codes of the answers on a connection. */
function statuses(answers: string): readonly number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** Framings that two readers could read in two ways: lines of a head, and what follows it. */
const AMBIGUOUS: readonly (readonly [name: string, lines: string, body: string])[] = [
  ['a length, then chunks', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n`, CHUNKED_BODY],
  ['chunks, then a length', `Transfer-Encoding: chunked\r\nContent-Length: ${BODY.length}\r\n`, CHUNKED_BODY],
  ['chunks twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', CHUNKED_BODY],
  ['chunks twice in a line', 'Transfer-Encoding: chunked, chunked\r\n', CHUNKED_BODY],
  ['chunks, then identity', 'Transfer-Encoding: chunked, identity\r\n', CHUNKED_BODY],
  [
    'chunks, then identity in a second line',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
    CHUNKED_BODY,
  ],
  ['a coding that does not exist', 'Transfer-Encoding: xchunked\r\n', CHUNKED_BODY],
  [
    'a coding that does not exist, and a length',
    `Transfer-Encoding: xchunked\r\nContent-Length: ${BODY.length}\r\n`,
    BODY,
  ],
  ['a quoted coding', 'Transfer-Encoding: "chunked"\r\n', CHUNKED_BODY],
  ['a coding with a parameter', 'Transfer-Encoding: chunked;q=1\r\n', CHUNKED_BODY],
  ['a coding behind a vertical tab', 'Transfer-Encoding: \u000bchunked\r\n', CHUNKED_BODY],
  ['a coding and a NUL', 'Transfer-Encoding: chunked\u0000\r\n', CHUNKED_BODY],
  ['an empty coding', `Transfer-Encoding:\r\nContent-Length: ${BODY.length}\r\n`, BODY],
  ['a folded line', `Transfer-Encoding:\r\n chunked\r\n`, CHUNKED_BODY],
  ['a folded length', `Content-Length:\r\n ${BODY.length}\r\n`, BODY],
  ['a space before the colon', `Transfer-Encoding : chunked\r\nContent-Length: ${BODY.length}\r\n`, CHUNKED_BODY],
  ['a space before the name', ` Transfer-Encoding: chunked\r\nContent-Length: ${BODY.length}\r\n`, BODY],
  ['a line feed alone', `X: y\nTransfer-Encoding: chunked\r\nContent-Length: ${BODY.length}\r\n`, CHUNKED_BODY],
  ['a carriage return alone', `X: y\rTransfer-Encoding: chunked\r\nContent-Length: ${BODY.length}\r\n`, CHUNKED_BODY],
  ['a head that ends with line feeds', `Content-Length: ${BODY.length}\n\n`, BODY],
  ['a NUL in a name', `X\u0000: y\r\nContent-Length: ${BODY.length}\r\n`, BODY],
  ['a NUL in a value', `X: \u0000\r\nContent-Length: ${BODY.length}\r\n`, BODY],
  ['a line without a colon', `Transfer-Encoding chunked\r\nContent-Length: ${BODY.length}\r\n`, BODY],
  ['a line without a name', `: chunked\r\nContent-Length: ${BODY.length}\r\n`, BODY],
  ['two lengths', `Content-Length: ${BODY.length}\r\nContent-Length: 4\r\n`, BODY],
  ['the same length twice', `Content-Length: ${BODY.length}\r\nContent-Length: ${BODY.length}\r\n`, BODY],
  ['two lengths in a line', `Content-Length: ${BODY.length}, ${BODY.length}\r\n`, BODY],
  ['a negative length', 'Content-Length: -1\r\n', BODY],
  ['a length with a sign', `Content-Length: +${BODY.length}\r\n`, BODY],
  ['a hexadecimal length', `Content-Length: 0x${BODY.length.toString(16)}\r\n`, BODY],
  ['a length with an exponent', 'Content-Length: 1e1\r\n', BODY],
  ['a length with a fraction', `Content-Length: ${BODY.length}.0\r\n`, BODY],
  ['a length in two words', `Content-Length: ${BODY.length} 1\r\n`, BODY],
  ['an empty length', 'Content-Length:\r\n', BODY],
  ['a length past 64 bits', 'Content-Length: 18446744073709551617\r\n', BODY],
  ['a length past all bounds', `Content-Length: ${'9'.repeat(100)}\r\n`, BODY],
  ['a chunk past 64 bits', 'Transfer-Encoding: chunked\r\n', `10000000000000001\r\n${BODY}\r\n0\r\n\r\n`],
  ['a chunk of a negative size', 'Transfer-Encoding: chunked\r\n', `-1\r\n${BODY}\r\n0\r\n\r\n`],
  ['a chunk of a size with 0x', 'Transfer-Encoding: chunked\r\n', `0x5\r\nabcde\r\n0\r\n\r\n`],
  ['a chunk of no size', 'Transfer-Encoding: chunked\r\n', `\r\n${BODY}\r\n0\r\n\r\n`],
  ['a chunk whose size ends with a line feed', 'Transfer-Encoding: chunked\r\n', CHUNKED_BODY.replace('\r\n', '\n')],
  ['a chunk that is longer than its size', 'Transfer-Encoding: chunked\r\n', `1\r\n${BODY}\r\n0\r\n\r\n`],
  ['a chunk extension with a line feed', 'Transfer-Encoding: chunked\r\n', CHUNKED_BODY.replace('\r\n', ';a=b\nc\r\n')],
  [
    'a chunk extension of 20 KB',
    'Transfer-Encoding: chunked\r\n',
    CHUNKED_BODY.replace('\r\n', `;a=${'b'.repeat(20_000)}\r\n`),
  ],
  [
    'a second Host behind 2,100 headers',
    `${'a:\r\n'.repeat(2100)}Host: evil\r\nContent-Length: ${BODY.length}\r\n`,
    BODY,
  ],
];

describe.each(PATHS)('at %s', (path) => {
  test.each(AMBIGUOUS)('%s: refused, the connection closed, nothing smuggled', async (_name, lines, body) => {
    const answers = await raw(stage.port, `${head(path, lines)}${body}${smuggled}${last}`);
    expect(statuses(answers).filter((status) => status < 400 || status >= 500)).toEqual([]);
    expect(statuses(answers).length).toBeLessThanOrEqual(1);
    expect(stage.upstream.seen.map(({ target }) => target)).toEqual([]);
    expect(stage.upstream.malformed).toEqual([]);
  });

  test.each<readonly [name: string, lines: string, body: string]>([
    ['a length', `Content-Length: ${BODY.length}\r\n`, BODY],
    ['chunks', 'Transfer-Encoding: chunked\r\n', CHUNKED_BODY],
    ['chunks, named in capitals behind a tab', 'TRANSFER-ENCODING:\tCHUNKED\r\n', CHUNKED_BODY],
    ['chunk extensions', 'Transfer-Encoding: chunked\r\n', CHUNKED_BODY.replace('\r\n', ';a="b c";d\r\n')],
    ['trailers', 'Transfer-Encoding: chunked\r\n', trailing('X-Api-Key: other\r\nHost: evil\r\n')],
    [
      'a name with underscores',
      `Transfer_Encoding: chunked\r\nContent_Length: 3\r\nContent-Length: ${BODY.length}\r\n`,
      BODY,
    ],
  ])('%s: read in one way, and what follows is a request of its own', async (_name, lines, body) => {
    const answers = await raw(stage.port, `${head(path, lines)}${body}${smuggled}${last}`);
    expect(statuses(answers)).toEqual([200, 200, 200]);
    const { seen } = stage.upstream;
    // Both are under way at once: which of them arrives first is open.
    const bodies = seen.map((request) => request.body.toString());
    expect(bodies.toSorted()).toEqual([BODY, leastBody('embeddings')].toSorted());
    expect(JSON.stringify(seen.map(({ headers }) => headers))).not.toMatch(/evil|other|_/);
    expect(stage.upstream.malformed).toEqual([]);
  });

  test('a body that ends too early reaches the upstream as none', async () => {
    const answers = await raw(stage.port, `${head(path, `Content-Length: ${BODY.length + 9}\r\n`)}${BODY}`);
    expect(statuses(answers)).toEqual([408]);
    expect(stage.upstream.seen).toEqual([]);
  });
});

describe('versions', () => {
  test.each([
    ['0.9', `POST ${METERED}\r\n`],
    ['0.9 with a version of two digits', `GET /healthz HTTP/11.1\r\nHost: localhost\r\n\r\n`],
    ['1.2', head(METERED, `Content-Length: ${BODY.length}\r\n`, 'HTTP/1.2') + BODY],
    ['2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['1.0 with chunks', head(METERED, 'Transfer-Encoding: chunked\r\n', 'HTTP/1.0') + CHUNKED_BODY],
    ['of a TLS greeting', '\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0003'],
  ])('HTTP %s is refused', async (_name, text) => {
    const answers = await raw(stage.port, `${text}${smuggled}`);
    expect(statuses(answers).filter((status) => status < 400 || status >= 500)).toEqual([]);
    expect(statuses(answers).length).toBeLessThanOrEqual(1);
    expect(stage.upstream.seen).toEqual([]);
  });

  test('HTTP 1.0 is served once, and what follows is not read', async () => {
    const one = `${head(METERED, `Content-Length: ${BODY.length}\r\n`, 'HTTP/1.0')}${BODY}`;
    expect(statuses(await raw(stage.port, one))).toEqual([200]);
    await raw(stage.port, `${one}${smuggled}`);
    expect(new Set(stage.upstream.seen.map(({ body }) => body.toString()))).toEqual(new Set([BODY]));
  });

  test.each(['websocket', 'h2c'])('an upgrade to %s is not made: the request is served as it is', async (protocol) => {
    const lines = `Upgrade: ${protocol}\r\nConnection: Upgrade, close\r\nContent-Length: ${BODY.length}\r\n`;
    expect(statuses(await raw(stage.port, `${head(METERED, lines)}${BODY}`))).toEqual([200]);
    expect(stage.upstream.seen.map(({ headers }) => headers.upgrade)).toEqual([undefined]);
  });
});

describe('requests in one go', () => {
  test('are answered each, in their order', async () => {
    const bodies = ['a', 'b', 'c'].map((content) => leastBody('chat', { messages: [{ role: 'user', content }] }));
    const requests = bodies.map((body) => `${head(METERED, `Content-Length: ${body.length}\r\n`)}${body}`);
    expect(statuses(await raw(stage.port, `${requests.join('')}${last}`))).toEqual([200, 200, 200, 200]);
    expect(stage.upstream.seen.map(({ body }) => body.toString()).toSorted()).toEqual(bodies);
  });

  test('what is behind a refused one is a request of its own, with its own credentials', async () => {
    const wrong = `${head(METERED, 'Content-Length: 2\r\n').replace(STAGE_KEY, 'wrong')}{}`;
    const without = smuggled.replace(/Authorization: .*\r\n/, '');
    expect(statuses(await raw(stage.port, `${wrong}${without}${last}`))).toEqual([401, 401, 200]);
    expect(stage.upstream.seen).toEqual([]);
  });

  test('of two credentials in one head the first counts, whatever the second', async () => {
    const second = `Authorization: Bearer ${STAGE_KEY}\r\n`;
    const both = head(METERED, `${second}Content-Length: ${BODY.length}\r\n`).replace(STAGE_KEY, 'wrong');
    expect(statuses(await raw(stage.port, `${both}${BODY}${last}`))).toEqual([401, 200]);
    expect(stage.upstream.seen).toEqual([]);
  });
});
