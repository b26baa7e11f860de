// The characters that JSON is built from: the same number as a code unit of a string and as a byte of UTF-8.

/** `"` @internal */
export const QUOTE = 0x22;
/** `,` @internal */
export const COMMA = 0x2c;
/** `:` @internal */
export const COLON = 0x3a;
/** `[` @internal */
export const OPEN_BRACKET = 0x5b;
/** `\` @internal */
export const BACKSLASH = 0x5c;
/** `]` @internal */
export const CLOSE_BRACKET = 0x5d;
/** `{` @internal */
export const OPEN_BRACE = 0x7b;
/** `}` @internal */
export const CLOSE_BRACE = 0x7d;
