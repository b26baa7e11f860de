/** Who speaks in a prompt. `system` is what stands above the conversation: system and developer messages, `instructions`. @public */
export type PromptRole = 'system' | 'user' | 'assistant' | 'tool';

/** How much of an image a model looks at, as OpenAI names it; undefined where the caller did not say. @public */
export type ImageDetail = 'low' | 'high' | 'auto' | 'original';

/**
 * One part of a message, whatever the protocol calls it.
 *
 * - `text`: words of the speaker.
 * - `tool-call`: a tool that the model called; `argumentsText` is JSON as it was written (for Anthropic: the minified text of `input`).
 * - `tool-result`: what a tool gave back, its text joined; images in it follow as blocks of their own.
 * - `image`: `data` is base64 where it came inline; width and height are known where its header could be read.
 * - `reasoning`: thinking that is given back; many providers do not bill it.
 * - `opaque`: anything else, never touched and never counted exactly: a file, audio, an item that is not known here.
 * @public
 */
export type PromptBlock =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool-call'; readonly callId: string; readonly name: string; readonly argumentsText: string }
  | { readonly kind: 'tool-result'; readonly callId: string; readonly text: string }
  | {
      readonly kind: 'image';
      readonly data: string | undefined;
      readonly mediaType: string | undefined;
      readonly width: number | undefined;
      readonly height: number | undefined;
      readonly detail: ImageDetail | undefined;
    }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'opaque'; readonly type: string; readonly sizeBytes: number };

/** One message of a prompt. @public */
export interface PromptMessage {
  readonly role: PromptRole;
  /** The speaker's own name, where the protocol has one. */
  readonly name: string | undefined;
  readonly blocks: readonly PromptBlock[];
}

/** A tool that the caller offers to the model. @public */
export interface PromptTool {
  /** `function`: described by the request alone. `custom`: free text in. `hosted`: the provider's own, by its type. */
  readonly kind: 'function' | 'custom' | 'hosted';
  readonly name: string;
  readonly description: string;
  /** The schema of its parameters as a value; undefined where it has none. */
  readonly parameters: unknown;
  /** The whole tool as minified JSON. */
  readonly text: string;
}

/**
 * What a model is sent, in the order in which providers build the prompt: tools, system, messages. One shape for all protocols, for code that
 * counts, compresses or plans; it never is sent itself.
 * @public
 */
export interface Prompt {
  readonly tools: readonly PromptTool[];
  /** Whether the model must call a tool (`required`, `any`, or one by name). */
  readonly mustCallTool: boolean;
  /** Whether the tools are there but must not be called (`none`): some providers leave them out then. Absent: false. */
  readonly mustNotCallTool?: boolean;
  /** Whether thinking with a budget is asked for, which Anthropic puts words around. Absent: false. */
  readonly thinks?: boolean;
  /** System messages stand where the protocol has them: first for Anthropic and `instructions`, in their place for chat. */
  readonly messages: readonly PromptMessage[];
  /** The JSON Schema or format that the answer must have, minified; undefined where none is asked for. */
  readonly formatText: string | undefined;
}
