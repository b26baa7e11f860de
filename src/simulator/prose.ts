import type { Random } from '../ports/clock.ts';
import { integerBetween, pick } from './chance.ts';

const WORDS = (
  'the a of to and in that this it with for on by from order invoice refund parcel account customer ticket report ' +
  'table column index query server client request answer page price plan week month team city street river garden ' +
  'winter coffee café naïve façade bridge window paper light early late quick slow small large clear open closed ' +
  'first second last next other same new old good better best number value limit rate total average change reason ' +
  'because when where while after before under over between again often never always may can should will was is are ' +
  'check send keep find read write move build test start stop compare sum split join return explain show use make'
).split(' ');

/**
 * Plain sentences of at least `sizeBytes` UTF-8 bytes. No meaning is meant; now and then a letter takes two bytes,
 * so that borders inside a character occur.
 * @internal
 */
export function prose(random: Random, sizeBytes: number): string {
  const sentences: string[] = [];
  let written = 0;
  while (written < sizeBytes) {
    const words = Array.from({ length: integerBetween(random, 6, 14) }, () => pick(random, WORDS));
    const text = words.join(' ');
    const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
    sentences.push(sentence);
    written += Buffer.byteLength(sentence) + 1;
  }
  return sentences.join(' ');
}

/** The longest beginning of `text` that fits into `sizeBytes` UTF-8 bytes. @internal */
export function cutToBytes(text: string, sizeBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.byteLength <= sizeBytes) return text;
  let end = Math.max(0, Math.floor(sizeBytes));
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1; // 10xxxxxx continues a character
  return bytes.toString('utf8', 0, end);
}
