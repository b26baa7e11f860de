import type { Prompt } from '../../core/model/prompt.ts';
import type { JsonPath } from './json-ranges.ts';

/** Where a block of a prompt stands in its request. @public */
export interface BlockPlace {
  /** The block as a whole: a part of the content, a call, or the string that the content is. */
  readonly path: JsonPath;
  /**
   * The strings that the block's text is made of, in order, joined by a newline where there are several. None where the text is no string of the
   * request: the `input` of Anthropic's tool calls, opaque blocks. For an image the one that holds its data (base64 alone or a data URI), if any.
   */
  readonly textPaths: readonly JsonPath[];
}

/** Where a message of a prompt stands in its request. @public */
export interface MessagePlace {
  /**
   * The message as a whole: `['messages', 3]`, `['input', 3]`. A path of one step (`['system']`, `['instructions']`, `['input']`) is a member of
   * the body and no element of a list: it cannot be taken out like one.
   */
  readonly path: JsonPath;
  /** By index of the message's blocks. */
  readonly blocks: readonly BlockPlace[];
}

/** A request read as a prompt, with the place of each part of it. @public */
export interface RequestPrompt {
  readonly prompt: Prompt;
  /** By index of `prompt.tools`. */
  readonly tools: readonly JsonPath[];
  /** By index of `prompt.messages`. */
  readonly messages: readonly MessagePlace[];
}
