import {
  DEFAULT_MAX_CONTAINERS,
  DEFAULT_MAX_DEPTH,
  DEFAULT_MAX_MESSAGES,
  DEFAULT_MAX_OBJECT_KEYS,
} from '../../src/wire/json-limits.ts';
import type { Endpoint } from '../../src/core/model/protocol.ts';

/** Size of the bodies, in bytes. */
const HOSTILE_BYTES = 1_000_000;

/** A body made to hold a gateway up. */
export interface HostileBody {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly body: Buffer;
  /** Whether the gateway takes it: sent on and answered, or refused for what it is. */
  readonly isTaken: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Members that every request of an endpoint has, as JSON text without braces. */
const REQUIRED: Readonly<Record<Endpoint, string>> = {
  chat: '"model":"gpt-5.4-mini","temperature":0,"messages":[{"role":"user","content":"x"}]',
  responses: '"model":"gpt-5.4-mini","temperature":0,"input":"x"',
  embeddings: '"model":"text-embedding-3-small"',
  messages: '"model":"claude-haiku-4-5","temperature":0,"max_tokens":9,"messages":[{"role":"user","content":"x"}]',
  'count-tokens': '"model":"claude-haiku-4-5","messages":[{"role":"user","content":"x"}]',
};

const MODEL = '"model":"gpt-5.4-mini","temperature":0';

/** A request with one more member. */
function withMember(endpoint: Endpoint, member: string): string {
  return `{${REQUIRED[endpoint]},${member}}`;
}

/** A chat whose one message has this content, as JSON text. */
function chatOf(content: string): string {
  return `{${MODEL},"messages":[{"role":"user","content":${content}}]}`;
}

/** As many of a text as fill a body. */
function filled(unit: string, sizeBytes = HOSTILE_BYTES): string {
  return unit.repeat(Math.floor(sizeBytes / Buffer.byteLength(unit)));
}

function list(unit: string, count = Math.floor(HOSTILE_BYTES / (unit.length + 1))): string {
  return Array.from({ length: count }, () => unit).join(',');
}

function keysOf(count: number, prefix = 'k'): string {
  return Array.from({ length: count }, (_, index) => `"${prefix}${index}":1`).join(',');
}

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

function taken(
  name: string,
  endpoint: Endpoint,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): HostileBody {
  return { name, endpoint, body: Buffer.from(body), isTaken: true, headers };
}

function refused(name: string, endpoint: Endpoint, body: string): HostileBody {
  return { name, endpoint, body: Buffer.from(body), isTaken: false };
}

/** One text in every guise. */
function texts(): readonly HostileBody[] {
  return [
    taken('one letter', 'chat', chatOf(`"${filled('a')}"`)),
    taken('escapes of NUL', 'chat', chatOf(`"${filled('\\u0000')}"`)),
    taken('escaped quotes', 'chat', chatOf(`"${filled('\\"')}"`)),
    taken('backslashes', 'chat', chatOf(`"${filled('\\\\')}"`)),
    taken('surrogate pairs, raw', 'chat', chatOf(`"${filled('😀')}"`)),
    taken('surrogate pairs, escaped', 'chat', chatOf(`"${filled('\\ud83d\\ude00')}"`)),
    taken('letters that grow when normalised', 'chat', chatOf(`"${filled('ﷺ')}"`)),
    taken('combining marks', 'chat', chatOf(`"a${filled('\u0316\u0301')}"`)),
    taken('white space between tokens', 'chat', `{${filled(' ')}${REQUIRED.chat}}`),
    taken('line breaks in a text', 'chat', chatOf(`"${filled('\\n')}"`)),
    taken('a data address in the base64 of one letter', 'chat', chatOf(image(filled('A')))),
    taken('a data address that is none', 'chat', chatOf(image(filled('data:image/png;base64,')))),
    taken('a picture', 'messages', pictures(1)),
    taken('many pictures', 'messages', pictures(10_000)),
    refused('half a surrogate pair at the end', 'chat', chatOf(`"${filled('\\ud83d\\ude00')}\\ud83d"`)),
    refused('a quote that is missing', 'chat', chatOf(`"${filled('\\"')}`)),
    refused('no JSON at the end', 'chat', `{${REQUIRED.chat},"a":"${filled('a')}"`),
    refused('a model of one letter', 'chat', `{"model":"${filled('m')}","messages":[{"role":"user","content":"x"}]}`),
  ];
}

function image(url: string): string {
  return `[{"type":"image_url","image_url":{"url":"data:image/png;base64,${url}"}}]`;
}

function pictures(count: number): string {
  const data = 'A'.repeat(Math.max(1, Math.floor(HOSTILE_BYTES / count) - 90));
  const picture = `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"${data}"}}`;
  return `{"model":"claude-haiku-4-5","temperature":0,"max_tokens":9,"messages":[{"role":"user","content":[${list(picture, count)}]}]}`;
}

/** The most objects and arrays that may stand in one array beside a small request. */
const MOST = DEFAULT_MAX_CONTAINERS - 10;

/** Many small things, and things in things. */
function shapes(): readonly HostileBody[] {
  const deep = DEFAULT_MAX_DEPTH - 2;
  const array = nested(deep);
  const object = `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`;
  const wide = `{${keysOf(DEFAULT_MAX_OBJECT_KEYS)}}`;
  const most = Math.floor(MOST / deep);
  return [
    taken('arrays at the deepest level', 'chat', withMember('chat', `"a":[${list(array, most)}]`)),
    taken('objects at the deepest level', 'chat', withMember('chat', `"a":[${list(object, most)}]`)),
    taken('objects with the most keys', 'chat', withMember('chat', `"a":[${list(wide, 22)}]`)),
    taken('the most objects', 'chat', withMember('chat', `"a":[${list('{"a":1,"b":2}', MOST)}]`)),
    taken('the most escaped keys', 'chat', withMember('chat', `"a":[${list('{"\\u0061":1}', MOST)}]`)),
    taken('numbers', 'chat', withMember('chat', `"a":[${list('1')}]`)),
    taken('numbers with a fraction', 'chat', withMember('chat', `"a":[${list('0.12345678901234567')}]`)),
    taken('a number of a million digits', 'chat', withMember('chat', `"a":${filled('1')}`)),
    taken('a fraction of a million digits', 'chat', withMember('chat', `"a":0.${filled('1')}`)),
    taken('words', 'chat', withMember('chat', `"a":[${list('""')}]`)),
    refused('more arrays than the most', 'chat', withMember('chat', `"a":[${list(array)}]`)),
    refused('more objects than the most', 'chat', withMember('chat', `"a":[${list('{}')}]`)),
    refused('100,000 keys', 'chat', withMember('chat', `"a":{${keysOf(100_000)}}`)),
    refused(
      'a key that is there twice, at the end',
      'chat',
      withMember('chat', `"a":[${list('{}', MOST)}],"model":"x"`),
    ),
    refused('keys that are there twice', 'chat', withMember('chat', `"a":{${list('"a":1')}}`)),
    refused('too deep', 'chat', withMember('chat', `"a":${nested(500_000)}`)),
    refused('nothing but brackets', 'chat', filled('[')),
    refused('nothing but commas', 'chat', `[${filled(',')}`),
    refused('an array without an end', 'chat', `{${REQUIRED.chat},"a":[${filled('1,')}`),
  ];
}

/** What belongs to the protocols. */
function requests(): readonly HostileBody[] {
  const message = '{"role":"user","content":"a"}';
  const most = DEFAULT_MAX_MESSAGES;
  const tool = '{"type":"function","function":{"name":"f","parameters":{}}}';
  const schema = `{"type":"object","properties":{"p":{"enum":[${list('"a"', 200_000)}]}}}`;
  const block = '{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}';
  return [
    taken(
      'the most messages',
      'chat',
      `{${MODEL},"messages":[${list(`{"role":"user","content":"${'a'.repeat(450)}"}`, most)}]}`,
    ),
    taken('parts of a message', 'chat', chatOf(`[${list('{"type":"text","text":"a"}')}]`)),
    taken('parts of no known kind', 'chat', chatOf(`[${list('{"type":"x"}', MOST)}]`)),
    taken('parts with cache marks', 'messages', `{${REQUIRED.messages},"system":[${list(block)}]}`),
    taken('blocks in tool results', 'messages', toolResults()),
    taken('tools', 'chat', withMember('chat', `"tools":[${list(tool)}]`)),
    taken(
      'a schema',
      'chat',
      withMember('chat', `"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]`),
    ),
    taken(
      'a schema to answer in',
      'responses',
      withMember('responses', `"text":{"format":{"type":"json_schema","name":"a","schema":${schema}}}`),
    ),
    taken(
      'the most items',
      'responses',
      `{${MODEL},"input":[${list(`{"role":"user","content":"${'a'.repeat(450)}"}`, most)}]}`,
    ),
    taken('a long user', 'chat', withMember('chat', `"user":"${filled('u')}"`)),
    taken('long metadata', 'messages', withMember('messages', `"metadata":{"user_id":"${filled('u')}"}`)),
    taken(
      'metadata with the most keys',
      'chat',
      withMember('chat', `"metadata":{${keysOf(DEFAULT_MAX_OBJECT_KEYS, 'k'.repeat(230))}}`),
    ),
    taken('stop words', 'chat', withMember('chat', `"stop":[${list('"a"')}]`)),
    taken(
      'biased tokens',
      'chat',
      withMember('chat', `"logit_bias":{${keysOf(DEFAULT_MAX_OBJECT_KEYS, '')}},"a":"${filled('a', 950_000)}"`),
    ),
    taken(
      'one letter',
      'count-tokens',
      `{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"${filled('a')}"}]}`,
    ),
    taken('the most tags', 'chat', chatOf(`"${filled('a')}"`), { 'x-farthing-tags': list('t=%61', 16) }),
    refused('more messages than the most', 'chat', `{${MODEL},"messages":[${list(message)}]}`),
    refused('messages that are empty', 'chat', `{${MODEL},"messages":[${list('{}')}]}`),
    ...embeddings(),
  ];
}

function toolResults(): string {
  const result = `{"type":"tool_result","tool_use_id":"a","content":[${list('{"type":"text","text":"a"}', 30_000)}]}`;
  return `{"model":"claude-haiku-4-5","temperature":0,"max_tokens":9,"messages":[{"role":"user","content":[${result}]}]}`;
}

function embeddings(): readonly HostileBody[] {
  const many = `"input":[${list('"a"', DEFAULT_MAX_MESSAGES)}]`;
  return [
    taken('one text', 'embeddings', withMember('embeddings', `"input":"${filled('a')}"`)),
    taken('tokens', 'embeddings', withMember('embeddings', `"input":[${list('1')}]`)),
    taken(
      'the most texts',
      'embeddings',
      withMember('embeddings', `"input":[${list(`"${'a'.repeat(480)}"`, DEFAULT_MAX_MESSAGES)}]`),
    ),
    taken('the most texts and a long member', 'embeddings', withMember('embeddings', `${many},"a":"${filled('a')}"`)),
    taken('the most texts and a long user', 'embeddings', withMember('embeddings', `${many},"user":"${filled('u')}"`)),
    refused('more texts than the most', 'embeddings', withMember('embeddings', `"input":[${list('"a"')}]`)),
    refused('more tokens of texts than the most', 'embeddings', withMember('embeddings', `"input":[${list('[1]')}]`)),
  ];
}

/** Bodies of a megabyte, each the worst of its kind. */
export function hostileBodies(): readonly HostileBody[] {
  return [...texts(), ...shapes(), ...requests()];
}
