import { Buffer } from 'node:buffer';

/** Bytes behind a text's end that may be read with its last ones. */
const PADDING_BYTES = 8;

/** A text as UTF-8, readable by bytes and, at any place, by words of four. @internal */
export class Utf8Text {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where the text ends in `bytes`. */
  end = 0;

  /** Room for a text of this many UTF-16 units. */
  constructor(units: number) {
    this.bytes = Buffer.allocUnsafeSlow(units * 3 + PADDING_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Takes a text; lone surrogates become U+FFFD. */
  set(text: string): this {
    this.end = this.bytes.write(text);
    return this;
  }
}
