import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CsvRecord, csvRecords } from './csv-records.ts';
import { linesOf } from './file-lines.ts';

async function recordsOf(text: string, maxRecordChars?: number): Promise<readonly CsvRecord[]> {
  const records: CsvRecord[] = [];
  // oxlint-disable-next-line require-await -- a stream in a test
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  for await (const record of csvRecords(linesOf(stream()), maxRecordChars)) records.push(record);
  return records;
}

test('whatever is written as RFC 4180 says is read back', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', '\r\n', 'ß'), maxLength: 6 });
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 3 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rows, fc.constantFrom('\n', '\r\n'), async (cells, end) => {
      const written = (each: string): string => (/["\n\r,]/.test(each) ? `"${each.replaceAll('"', '""')}"` : each);
      const text = cells.map((row) => row.map(written).join(',') + end).join('');
      expect((await recordsOf(text)).map((record) => ('cells' in record ? record.cells : record))).toEqual(cells);
    }),
  );
});

test('a record is numbered by its first line, and empty lines are none', async () => {
  expect(await recordsOf('a,"b\nc"\n\nd,e')).toEqual([
    { number: 1, cells: ['a', 'b\nc'] },
    { number: 4, cells: ['d', 'e'] },
  ]);
});

test('quotes at the wrong place are named by line and field, and the rest is read', async () => {
  expect(await recordsOf('a"b""",c\n"a"b,c\nx,y\n"open\nfor ever')).toEqual([
    { number: 1, problem: 'field 1 has a quote within, but is not in quotes' },
    { number: 2, problem: 'field 1 goes on behind its closing quote' },
    { number: 3, cells: ['x', 'y'] },
    { number: 4, problem: expect.stringContaining('never closed') },
  ]);
  expect(await recordsOf('"open\nfor ever\nand ever\nx,y', 10)).toEqual([
    { number: 1, problem: expect.stringContaining('never closed') },
  ]);
});
