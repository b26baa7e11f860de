import { expect, test } from 'vitest';
import { formIds, passedBodyIds } from './passed-body-ids.ts';

test('the ids of a JSON body are found', () => {
  expect(passedBodyIds(Buffer.from('{"input_file_id":"file-1"}'))).toEqual([{ id: 'file-1', param: 'input_file_id' }]);
  expect(passedBodyIds(Buffer.from(''))).toEqual([]);
});

test.each([
  '{"file_id":"file-1","file_id":"file-2"}',
  '{"file_id":"file-1","file\\u005fid":"file-2"}',
  '{"__proto__":{"file_id":"file-1"}}',
  '{"file_id":',
  '\ud800',
])('a body that two readers could understand in two ways is refused: %s', (text) => {
  expect(() => passedBodyIds(Buffer.from(text, 'latin1'))).toThrow(
    expect.objectContaining({ code: 'invalid-request' }),
  );
});

test('a body that nests deeper than ids are looked for is refused', () => {
  const nested = `${'['.repeat(64)}{"file_id":"file-1"}${']'.repeat(64)}`;
  expect(() => passedBodyIds(Buffer.from(nested))).toThrow(expect.objectContaining({ code: 'invalid-request' }));
});

test('a form names ids in its fields, and none in its files', () => {
  const fields = [
    ['file_id', 'file-1'],
    ['video[id]', 'video_1'],
    ['file_ids[]', 'file-2'],
    ['tools[0][file_ids][1]', 'file-3'],
    ['purpose', 'file-4'],
    ['file', new Blob(['file-5'])],
  ] as const;
  expect(formIds(fields)).toEqual([
    { id: 'file-1', param: 'file_id' },
    { id: 'video_1', param: 'video.id' },
    { id: 'file-2', param: 'file_ids' },
    { id: 'file-3', param: 'tools.file_ids' },
  ]);
});
