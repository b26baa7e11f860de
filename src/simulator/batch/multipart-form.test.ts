import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProviderRefusal } from '../simulated-reply.ts';
import { readUpload, type Upload } from './multipart-form.ts';

const TYPE = 'multipart/form-data; boundary=xyz';

function form(content: string): Buffer {
  return Buffer.from(
    `--xyz\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\nContent-Type: text/plain\r\n\r\n${content}\r\n--xyz--\r\n`,
  );
}

function read(bytes: Buffer, sizes: readonly number[], maxBytes = 1e6): Promise<Upload> {
  async function* chunks(): AsyncIterable<Uint8Array> {
    let start = 0;
    for (const size of [...sizes, bytes.byteLength]) {
      yield bytes.subarray(start, start + size);
      start += size;
    }
  }
  return readUpload(TYPE, chunks(), maxBytes);
}

test('a form is read to the byte however it is cut into chunks', async () => {
  const contents = fc
    .array(fc.constantFrom('\r\n', '\n', '--xyz', '-', '{"a":1}', 'é', '\r'))
    .map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(contents, fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 }), async (content, sizes) => {
      fc.pre(!`\r\n${content}`.includes('\r\n--xyz'));
      const upload = await read(form(content), sizes);
      expect(upload.lines.map((line) => line.toString('utf8')).join('\n')).toBe(content);
      expect(upload).toMatchObject({ filename: 'a.jsonl', sizeBytes: Buffer.byteLength(content) });
      expect(upload.fields.get('purpose')).toBe('batch');
    }),
    { numRuns: 100 },
  );
});

test('what is no such form, ends too early or is too large is refused', async () => {
  const status = async (made: Promise<Upload>): Promise<number> =>
    made.then(
      () => 200,
      (error: unknown) => (error instanceof ProviderRefusal ? error.status : 0),
    );
  expect(await status(read(form('abc').subarray(0, -6), []))).toBe(400);
  expect(await status(read(form('abcdef'), [], 5))).toBe(413);
  expect(await status(readUpload('application/json', (async function* () {})(), 5))).toBe(400);
  expect(await status(read(Buffer.from('--xyz--\r\n'), []))).toBe(400);
});
