/** A prompt to be answered. @public */
export interface BatchPrompt {
  /** Comes back with the result. @defaultValue none */
  readonly id?: string;
  readonly prompt: string;
  /** @defaultValue the processor's `model` */
  readonly model?: string;
  /** A system prompt. @defaultValue the processor's `system` */
  readonly system?: string;
  /** Output limit in tokens. @defaultValue the processor's `maxOutputTokens` */
  readonly maxOutputTokens?: number;
  /** @defaultValue the processor's `temperature` */
  readonly temperature?: number;
}

/** A request in the words of its protocol, as a provider's batch file has it. @public */
export interface BatchRequest {
  /** Comes back with the result as its `id`. */
  readonly customId: string;
  readonly endpoint: 'chat' | 'responses' | 'embeddings' | 'messages';
  /** The JSON body, as a value or as text; text is sent as it is. Without a `model` it gets the processor's. */
  readonly body: Readonly<Record<string, unknown>> | string;
}

/** One thing to ask. @public */
export type BatchItem = string | BatchPrompt | BatchRequest;
