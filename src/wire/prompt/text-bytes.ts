const utf8 = new TextEncoder();
const NOT_ASCII = /[^\0-\x7f]/;

/** UTF-8 bytes of a text. For long texts, where a look at each letter takes as long as all else that is done with them. @internal */
export function textBytes(text: string): number {
  return NOT_ASCII.test(text) ? utf8.encode(text).length : text.length;
}
