import { crc32 } from 'node:zlib';
import { nanoUsd, type NanoUsd } from '../../core/money.ts';
import { type Usage, USAGE_BUCKETS, usageOf } from '../../core/model/usage.ts';
import type { KeptAnswer } from './item-outcome.ts';

/** What one line of a journal says. @internal */
export type JournalEntry =
  | { readonly kind: 'head'; readonly settings: string }
  | { readonly kind: 'answer'; readonly hashHex: string; readonly answer: KeptAnswer }
  /** An item that has no answer and cost money all the same. */
  | { readonly kind: 'cost'; readonly hashHex: string; readonly costNanoUsd: NanoUsd };

/** Says what the file is, and in which form. */
const HEAD = 'batch-run-1';
/** Hexadecimal digits of a checksum. */
const SUM_DIGITS = 8;
/** JSON begins behind the checksum and a blank. */
const TEXT_AT = SUM_DIGITS + 1;

const CACHED = 1;

/** A journal's line, with its line feed: a checksum and JSON, so that a line that was torn, or spoilt on a disk, is known for what it is. @internal */
export function journalLine(entry: JournalEntry): string {
  const text = JSON.stringify(written(entry));
  return `${checksum(text)} ${text}\n`;
}

/** Reads a line, without its line feed; undefined when it is not whole. @internal */
export function readJournalLine(line: string): JournalEntry | undefined {
  const text = line.slice(TEXT_AT);
  if (line[SUM_DIGITS] !== ' ' || line.slice(0, SUM_DIGITS) !== checksum(text)) return undefined;
  const fields = JSON.parse(text) as Written;
  if ('run' in fields) return fields.run === HEAD ? { kind: 'head', settings: fields.settings } : undefined;
  if ('c' in fields) return { kind: 'cost', hashHex: fields.h, costNanoUsd: nanoUsd(fields.c) };
  const answer: KeptAnswer = {
    kind: 'answer',
    body: fields.b,
    model: fields.m,
    usage: usageOf({ ...fields.u }),
    costNanoUsd: fields.p === null ? undefined : nanoUsd(fields.p),
    savedNanoUsd: fields.s === null ? undefined : nanoUsd(fields.s),
    fromCache: fields.f === CACHED,
    callId: fields.i,
  };
  return { kind: 'answer', hashHex: fields.h, answer };
}

/** Names are short, since there may be a million lines. */
type Written =
  | { readonly run: string; readonly settings: string }
  | { readonly h: string; readonly c: number }
  | {
      readonly h: string;
      readonly i: string;
      readonly m: string;
      readonly u: Partial<Usage>;
      readonly p: number | null;
      readonly s: number | null;
      readonly f: number;
      readonly b: string;
    };

function written(entry: JournalEntry): Written {
  switch (entry.kind) {
    case 'head':
      return { run: HEAD, settings: entry.settings };
    case 'cost':
      return { h: entry.hashHex, c: entry.costNanoUsd };
    case 'answer': {
      const { callId, model, usage, costNanoUsd, savedNanoUsd, fromCache, body } = entry.answer;
      return {
        h: entry.hashHex,
        i: callId,
        m: model,
        u: filledBuckets(usage),
        p: costNanoUsd ?? null,
        s: savedNanoUsd ?? null,
        f: fromCache ? CACHED : 0,
        b: body,
      };
    }
  }
}

function filledBuckets(usage: Usage): Partial<Usage> {
  const filled = [...USAGE_BUCKETS, 'reasoning' as const].filter((bucket) => usage[bucket] !== 0);
  return Object.fromEntries(filled.map((bucket) => [bucket, usage[bucket]]));
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(SUM_DIGITS, '0');
}
