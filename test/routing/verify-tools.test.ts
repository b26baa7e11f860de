import { describe, expect, test } from 'vitest';
import type { AnswerTerms, AnswerView, OfferedTool } from '../../src/core/verify/answer-view.ts';
import { checkAnswer } from '../../src/core/verify/check-answer.ts';
import { validateBySchema } from '../../src/engine/schema-validator.ts';

const WEATHER: OfferedTool = {
  name: 'get_weather',
  parameters: {
    type: 'object',
    properties: {
      city: { type: 'string' },
      days: { type: 'integer' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      place: {
        anyOf: [
          { type: 'null' },
          {
            type: 'object',
            properties: { lat: { type: 'number' }, lon: { type: 'number' } },
            required: ['lat', 'lon'],
          },
        ],
      },
      hours: { type: 'array', items: { type: 'integer' } },
    },
    required: ['city'],
  },
};
const TERMS: AnswerTerms = {
  tools: [
    WEATHER,
    { name: 'ping', parameters: { type: 'object', properties: {} } },
    { name: 'free', parameters: { type: 'object', properties: { a: {} }, additionalProperties: { type: 'number' } } },
    { name: 'untold', parameters: undefined },
    { name: 'open', parameters: { type: 'object' } },
  ],
  uncheckedTools: ['bash', 'web_search'],
  mustCallTool: false,
  wantsJson: false,
  schema: undefined,
};

function calling(name: string, argumentsText: string): AnswerView {
  return { text: '', toolCalls: [{ name, argumentsText }], finish: 'tool-calls' };
}

async function reasonOf(answer: AnswerView, terms: AnswerTerms = TERMS): Promise<string | undefined> {
  const request = { terms, body: {} };
  const verdict = await checkAnswer([{ kind: 'tools' }], [answer], request, { validate: validateBySchema });
  return verdict.kind === 'passed' ? undefined : `${verdict.check}:${verdict.reason}`;
}

describe('the kinds of fault that a function-calling benchmark counts', () => {
  test.each([
    ['a good call', 'get_weather', '{"city":"Bonn"}', undefined],
    ['all arguments', 'get_weather', '{"city":"Bonn","days":3,"unit":"celsius","hours":[1,2]}', undefined],
    ['a nested object', 'get_weather', '{"city":"Bonn","place":{"lat":1,"lon":2.5}}', undefined],
    ['null where it may be', 'get_weather', '{"city":"Bonn","place":null}', undefined],
    ['a function that is not there', 'weather', '{"city":"Bonn"}', 'tools:unknown-tool'],
    ['a function in other letters', 'Get_Weather', '{"city":"Bonn"}', 'tools:unknown-tool'],
    ['arguments that are no JSON', 'get_weather', '{"city":"Bonn"', 'tools:arguments-not-json'],
    ['Python instead of JSON', 'get_weather', "{'city': 'Bonn'}", 'tools:arguments-not-json'],
    ['a list for arguments', 'get_weather', '["Bonn"]', 'tools:arguments-no-object'],
    ['a missing argument', 'get_weather', '{"days":3}', 'tools:missing-required'],
    ['an unexpected argument', 'get_weather', '{"city":"Bonn","country":"DE"}', 'tools:unexpected-argument'],
    ['a number as text', 'get_weather', '{"city":"Bonn","days":"3"}', 'tools:wrong-type'],
    ['a fraction for an integer', 'get_weather', '{"city":"Bonn","days":2.5}', 'tools:wrong-type'],
    ['a value outside an enum', 'get_weather', '{"city":"Bonn","unit":"kelvin"}', 'tools:not-in-enum'],
    ['a wrong type in a list', 'get_weather', '{"city":"Bonn","hours":[1,"2"]}', 'tools:wrong-type'],
    ['a missing nested field', 'get_weather', '{"city":"Bonn","place":{"lat":1}}', 'tools:no-alternative'],
    ['no arguments where none are needed', 'ping', '', undefined],
    ['an argument where none is taken', 'ping', '{"dummy":1}', 'tools:unexpected-argument'],
    ['a further argument that the schema allows', 'free', '{"a":"x","b":1}', undefined],
    ['a further argument of the wrong type', 'free', '{"b":"x"}', 'tools:wrong-type'],
    ['a tool without a schema', 'untold', '{"anything":1}', undefined],
    ['a tool without a schema, no object', 'untold', '1', 'tools:arguments-no-object'],
    ['a tool that lists nothing', 'open', '{"anything":1}', undefined],
    ["a provider's own tool", 'bash', 'ls -l', undefined],
  ])('%s', async (_, name, argumentsText, reason) => {
    expect(await reasonOf(calling(name, argumentsText))).toBe(reason);
  });
});

test('a tool must be called where the request demands it', async () => {
  const text: AnswerView = { text: 'It is sunny.', toolCalls: [], finish: 'complete' };
  expect(await reasonOf(text)).toBeUndefined();
  expect(await reasonOf(text, { ...TERMS, mustCallTool: true })).toBe('tools:no-tool-call');
});

test('no tool may be called where none is offered', async () => {
  const terms = { ...TERMS, tools: [], uncheckedTools: [] };
  expect(await reasonOf(calling('get_weather', '{"city":"Bonn"}'), terms)).toBe('tools:unexpected-call');
});

test('one bad call among good ones fails', async () => {
  const [good] = calling('get_weather', '{"city":"Bonn"}').toolCalls;
  const [bad] = calling('get_weather', '{}').toolCalls;
  if (good === undefined || bad === undefined) throw new Error('no calls');
  expect(await reasonOf({ text: '', toolCalls: [good, bad], finish: 'tool-calls' })).toBe('tools:missing-required');
});

test('a schema that cannot be used holds nobody up', async () => {
  const parameters = { $ref: 'https://example.com/schema.json' };
  expect(await reasonOf(calling('x', '{"a":1}'), { ...TERMS, tools: [{ name: 'x', parameters }] })).toBeUndefined();
});
