import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasData, sharedData } from '../../test/support/shared-data.ts';
import { refusedParameters } from './refused-parameters.ts';

function refused(body: unknown, status = 400): readonly string[] {
  return [...refusedParameters('chat', status, body)];
}

function openai(message: string, param: string | null = null, code: string | null = null): object {
  return { error: { message, type: 'invalid_request_error', param, code } };
}

function anthropic(message: string): object {
  return { type: 'error', error: { type: 'invalid_request_error', message }, request_id: 'req_1' };
}

const FORBIDDEN = { msg: 'Extra inputs are not permitted', type: 'extra_forbidden' };

describe('refusals as providers send them', () => {
  test.each([
    // griptape-ai/ComfyUI-Griptape#312, 2025-08-22
    [
      'OpenAI, a parameter',
      openai(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        'max_tokens',
        'unsupported_parameter',
      ),
      ['max_tokens'],
    ],
    // microsoft/vscode#255504, 2025-07-12
    [
      'OpenAI, a value',
      openai(
        "Unsupported value: 'temperature' does not support 0.1 with this model. Only the default (1) value is supported.",
        'temperature',
        'unsupported_value',
      ),
      ['temperature_unless_1'],
    ],
    // ai-christianson/RA.Aid#70, 2025-02-01; without a code as vercel/ai has it
    [
      'OpenAI, without a code',
      openai("Unsupported parameter: 'temperature' is not supported with this model.", 'temperature'),
      ['temperature'],
    ],
    // caozhiyuan/copilot-api#164, 2026-04-06
    [
      'Copilot',
      {
        error: {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          code: 'invalid_request_body',
        },
      },
      ['max_tokens'],
    ],
    // openai/openai-python#1724, 2024-09-19
    [
      'Azure, an older version',
      openai('Unrecognized request argument supplied: max_completion_tokens'),
      ['max_completion_tokens'],
    ],
    // ChatGPTNextWeb/NextChat#6569, 2025-07-16
    [
      'OpenAI, several at once',
      openai('Model incompatible request arguments supplied: frequency_penalty, presence_penalty, temperature, top_p'),
      ['frequency_penalty', 'presence_penalty', 'temperature', 'top_p'],
    ],
    // Comfy-Org/ComfyUI#13923, 2026-05-15
    ['Anthropic, deprecated', anthropic('`temperature` is deprecated for this model.'), ['temperature']],
    // anomalyco/opencode#28930, 2026-05-23
    [
      'Anthropic, both samplers',
      anthropic('`temperature` and `top_p` cannot both be specified for this model. Please use only one.'),
      ['top_p_beside_temperature'],
    ],
    // workglow-dev/libs#746, 2026-08-13
    [
      'Anthropic, thinking',
      anthropic('`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at ...'),
      ['temperature_unless_1'],
    ],
    // quarkiverse/quarkus-langchain4j#1812, 2025-09-25
    ['Anthropic, top_k', anthropic('`top_k` must be unset when thinking is enabled. Please consult ...'), ['top_k']],
    // n8n-io/n8n#14288, 2025-03-31
    [
      'Bedrock',
      { message: 'The model returned the following errors: top_p must be unset when thinking is enabled.' },
      ['top_p'],
    ],
    // qiita.com/Synthorai/items/01a0067e88747257a4e6, 2026-10
    ['Anthropic, version 2026-10-21', anthropic('temperature: Extra inputs are not permitted'), ['temperature']],
    // groq/groq-python#25, 2024-03-18, and fanenr/chatbot#21, 2024-12-14
    ['Groq', openai('`logprobs` is not supported with this model'), ['logprobs']],
    ['Groq, a property', openai("property 'logit_bias' is unsupported"), ['logit_bias']],
    // neavo/LinguaGacha#159, 2025-04-20, and miaoxworld/NativeTavern#83, 2026-09-15
    [
      'xAI',
      {
        code: 'Client specified an invalid argument',
        error: 'Argument not supported on this model: presencePenalty',
      },
      ['presence_penalty'],
    ],
    ['xAI, later', { error: 'Model grok-4.5 does not support parameter frequencyPenalty.' }, ['frequency_penalty']],
    // n4ze3m/page-assist#418, 2025-02-18
    [
      'Gemini’s OpenAI-compatible API',
      [
        {
          error: {
            code: 400,
            message: 'Invalid JSON payload received. Unknown name "frequency_penalty": Cannot find field.',
            status: 'INVALID_ARGUMENT',
          },
        },
      ],
      ['frequency_penalty'],
    ],
    // PublicAffairs/openai-gemini#63, 2025-07-13
    [
      'Gemini, penalties',
      {
        error: { code: 400, message: 'Penalty is not enabled for models/gemini-2.5-flash', status: 'INVALID_ARGUMENT' },
      },
      ['presence_penalty', 'frequency_penalty'],
    ],
    // web-infra-dev/midscene#1322, 2025-10-15
    ['Fireworks', openai("Extra inputs are not permitted, field: 'top_k', value: 4"), ['top_k']],
    // 1Panel-dev/MaxKB#2912, 2025-04-17
    [
      'vLLM',
      {
        object: 'error',
        message:
          "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted', 'input': 800}]",
        type: 'BadRequestError',
        param: null,
        code: 400,
      },
      ['max_completion_tokens'],
    ],
  ])('%s', (_name, body, expected) => {
    expect(refused(body)).toEqual(expected);
  });

  test('Mistral: 422, with its list in the message, in the text of the message or beside it', () => {
    const detail = [
      { ...FORBIDDEN, loc: ['body', 'max_completion_tokens'], input: 32_000 },
      { ...FORBIDDEN, loc: ['body', 'frequency_penalty'], input: 0 },
    ];
    const expected = ['max_completion_tokens', 'frequency_penalty'];
    // editor-code-assistant/eca#231, 2025-12-12; mistralai/platform-docs-public#7, 2024-01-24; partITech/php-mistral#76, 2025-11-13
    expect(refused({ object: 'error', message: { detail }, type: 'invalid_request_error' }, 422)).toEqual(expected);
    expect(refused({ object: 'error', message: JSON.stringify({ detail }), code: '1000' }, 422)).toEqual(expected);
    expect(refused({ object: 'Error', detail, message: detail, code: 3001 }, 422)).toEqual(expected);
  });
});

describe('what is no refusal of a parameter', () => {
  test.each([
    // recorded from api.openai.com
    [
      'a role',
      openai(
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        'messages[0].role',
        'unsupported_value',
      ),
    ],
    ['a tool', openai('Web search options not supported with this model.', 'web_search_options')],
    [
      'what is never taken out',
      openai("Unsupported parameter: 'stop' is not supported with this model.", 'stop', 'unsupported_parameter'),
    ],
    [
      'a value out of bounds',
      openai("Invalid 'temperature': decimal above maximum value.", 'temperature', 'decimal_above_max_value'),
    ],
    ['a limit above the model’s', openai('max_tokens is too large: 99999.', 'max_tokens', 'invalid_value')],
    ['a limit below the thinking budget', anthropic('`max_tokens` must be greater than `thinking.budget_tokens`.')],
    ['a nested field', anthropic('tools.0.custom.temperature: Extra inputs are not permitted')],
    [
      'a nested property',
      openai(
        "'messages.0' : for 'role:user' the following must be satisfied[('messages.0' : property 'top_k' is unsupported)]",
      ),
    ],
    ['a nested place', { detail: [{ ...FORBIDDEN, loc: ['body', 'tools', 0, 'temperature'] }] }],
    ['another fault of pydantic', { detail: [{ type: 'less_than_equal', loc: ['body', 'temperature'] }] }],
    ['text', 'Bad Request'],
    ['nothing', undefined],
    ['an empty list', []],
    ['a message that is no text', { error: { message: 7, param: {}, code: 'unsupported_parameter' } }],
    ['broken JSON in a message', { message: '{"detail": [' }],
  ])('%s', (_name, body) => {
    expect(refused(body)).toEqual([]);
  });

  test('what a caller wrote, repeated further on in a message or as an input', () => {
    const written =
      "Unsupported parameter: 'temperature' is not supported with this model. [{'type': 'extra_forbidden', 'loc': ('body', 'temperature')";
    expect(refused(openai(`Invalid value: '${written}'`, 'user', 'invalid_value'))).toEqual([]);
    expect(refused(anthropic(`metadata.user_id: ${written}`))).toEqual([]);
    expect(
      refused({ detail: [{ ...FORBIDDEN, loc: ['body', 'x'], input: [{ ...FORBIDDEN, loc: ['body', 'top_p'] }] }] }),
    ).toEqual([]);
  });

  test('any other status, and endpoints without these parameters', () => {
    const body = anthropic('`temperature` is deprecated for this model.');
    for (const status of [200, 401, 404, 413, 429, 500, 529]) expect(refused(body, status)).toEqual([]);
    expect([...refusedParameters('count-tokens', 400, body)]).toEqual([]);
    expect([...refusedParameters('embeddings', 400, body)]).toEqual([]);
  });
});

interface Recorded {
  readonly status?: number;
  readonly response?: unknown;
  readonly body?: unknown;
  readonly source: string;
}

test.skipIf(!hasData('wire', 'openai.jsonl'))(
  'of all recorded replies just the refusals of parameters are read as such',
  () => {
    const found: string[] = [];
    for (const name of [
      'openai',
      'anthropic',
      'azure',
      'mistral',
      'groq',
      'gemini',
      'bedrock-mantle',
      'vercel-ai-fixtures',
    ]) {
      const lines = readFileSync(sharedData('wire', `${name}.jsonl`) ?? '', 'utf8')
        .trim()
        .split('\n');
      for (const each of lines.map((line): Recorded => JSON.parse(line))) {
        const parameters = refused(each.response ?? each.body, each.status ?? 400);
        if (parameters.length > 0) found.push(`${each.source.split('/').at(-1) ?? ''} ${parameters.join(' ')}`);
      }
    }
    expect(found).toEqual([
      'reasoning-model-legacy-parameter-error.json max_tokens',
      'reasoning-model-temperature-error.json temperature',
    ]);
  },
);
