import { expect, test } from 'vitest';
import { addressIds, isMaking, pathMeaning } from './resource-path.ts';

test.each([
  ['/v1/files', { kind: 'collection', of: 'files' }],
  ['/v1/files/', { kind: 'collection', of: 'files' }],
  ['/v1/Files', { kind: 'collection', of: 'files' }],
  ['/v1/%66iles', { kind: 'collection', of: 'files' }],
  ['/v1/messages/batches', { kind: 'collection', of: 'messages/batches' }],
  ['/v1/fine_tuning/jobs', { kind: 'collection', of: 'fine_tuning/jobs' }],
  ['/v1/files/file-1', { kind: 'resource', of: 'files', id: 'file-1', rest: [] }],
  ['/v1/files/file%2D1/content', { kind: 'resource', of: 'files', id: 'file-1', rest: ['content'] }],
  [
    '/v1/messages/batches/msgbatch_1/results',
    { kind: 'resource', of: 'messages/batches', id: 'msgbatch_1', rest: ['results'] },
  ],
  [
    '/v1/vector_stores/vs_1/files/file-1',
    { kind: 'resource', of: 'vector_stores', id: 'vs_1', rest: ['files', 'file-1'] },
  ],
  ['/v1/chat/completions/chatcmpl-1', { kind: 'resource', of: 'chat/completions', id: 'chatcmpl-1', rest: [] }],
  ['/v1/responses/compact', { kind: 'action', of: 'responses' }],
  ['/v1/responses/input_tokens', { kind: 'action', of: 'responses' }],
  ['/v1/audio/speech', { kind: 'other' }],
  ['/v1/images/edits', { kind: 'other' }],
  ['/v1/items/msg_1', { kind: 'other' }],
  ['/v1/filesystem', { kind: 'other' }],
  ['/v1/files/%zz', { kind: 'unreadable' }],
] as const)('%s stands for %j', (path, meaning) => {
  expect(pathMeaning(path)).toEqual(meaning);
});

test('a POST to a collection makes a thing, as does a remix of a video', () => {
  const making = ['/v1/files', '/v1/messages/batches', '/v1/videos/video_1/remix'];
  const others = [
    '/v1/files/file-1',
    '/v1/uploads/upload_1/complete',
    '/v1/audio/speech',
    '/v1/vector_stores/vs_1/files',
  ];
  expect(making.map((path) => isMaking(pathMeaning(path)))).toEqual([true, true, true]);
  expect(others.map((path) => isMaking(pathMeaning(path)))).toEqual([false, false, false, false]);
});

test('an address names the id behind its collection, and all that begins as ids do', () => {
  const ids = (path: string, query = ''): readonly string[] =>
    addressIds(path, new URLSearchParams(query)).map(({ id, param }) => `${param}=${id}`);
  expect(ids('/v1/files/any-shape/content')).toEqual(['id=any-shape']);
  expect(ids('/v1/vector_stores/vs_1/files/file-1')).toEqual(['id=vs_1', 'id=file-1']);
  expect(ids('/v1/containers/cntr_1/files/cfile_1')).toEqual(['id=cntr_1']);
  expect(ids('/v1/conversations/conv_1/items', 'after=msg_1&limit=2')).toEqual(['id=conv_1']);
  expect(ids('/v1/vector_stores/vs_1/files', 'after=file-1&before=file-2')).toEqual([
    'id=vs_1',
    'after=file-1',
    'before=file-2',
  ]);
  expect(ids('/v1/unknown/resp_1', 'x=conv%5F1')).toEqual(['id=resp_1', 'x=conv_1']);
  expect(ids('/v1/audio/speech', 'format=wav')).toEqual([]);
});
