import { expect, test } from 'vitest';
import { checkLines, type CheckedLines } from './openai-batch-lines.ts';

function line(customId: string, more: Readonly<Record<string, unknown>> = {}, model = 'm'): string {
  const body = { model, messages: [{ role: 'user', content: 'hi' }] };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body, ...more });
}

function check(lines: readonly string[], maxRequests = 10): CheckedLines {
  return checkLines(
    lines.map((text) => Buffer.from(text)),
    { endpoint: '/v1/chat/completions', maxRequests, models: ['m', 'n'], countsTokens: true },
  );
}

test('good lines are rows, blank ones are nothing, and all prompts are counted', () => {
  const checked = check([line('a'), '', line('b'), '']);
  expect(checked).toMatchObject({ faults: [], model: 'm', inputTokens: 2 * (4 + 1) });
  expect(checked.rows.count).toBe(2);
  expect(checked.rows.row(1)).toMatchObject({ customId: 'b', body: { model: 'm' } });
});

test.each([
  ['not JSON', ['{'], 'invalid_json_line'],
  ['without an id', [line('', { custom_id: undefined })], 'missing_required_parameter'],
  ['with the id of an earlier one', [line('a'), line('a')], 'duplicate_custom_id'],
  ['for another endpoint', [line('a', { url: '/v1/responses' })], 'url_mismatch'],
  ['with another method', [line('a', { method: 'GET' })], 'invalid_method'],
  ['without a body', [line('a', { body: undefined })], 'missing_required_parameter'],
  ['of another model', [line('a'), line('b', {}, 'n')], 'model_mismatch'],
  ['of an unknown model', [line('a', {}, 'x')], 'model_not_found'],
])('a line %s is named with its number', (_name, lines, code) => {
  const checked = check([...lines, '']);
  expect(checked.faults).toMatchObject([{ code, line: lines.length }]);
  expect(checked.rows.count).toBe(0);
});

test('an empty file and one over the limit fail as a whole', () => {
  expect(check(['', '']).faults).toMatchObject([{ code: 'empty_file', line: null }]);
  expect(check([line('a'), line('b')], 1).faults).toMatchObject([{ code: 'too_many_tasks', line: null }]);
});
