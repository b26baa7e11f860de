import type { Protocol } from '../../core/model/protocol.ts';

/** What a row of a batch is written to its results with. @internal */
export interface AnsweredRow {
  readonly callId: string;
  readonly customId: string;
  /** The answer, JSON text. */
  readonly body: string;
}

/** Line feeds and returns: in JSON text they stand between tokens only, since strings hold them escaped (RFC 8259, 7). */
const LINE_BREAKS = /[\r\n]/g;

/** A line of a batch's results, with its line feed, for a row that the cache has answered. @internal */
export function cachedRowLine(protocol: Protocol, { callId, customId, body }: AnsweredRow): string {
  const [id, name, answer] = [JSON.stringify(callId), JSON.stringify(customId), body.replace(LINE_BREAKS, ' ')];
  if (protocol === 'anthropic') return `{"custom_id":${name},"result":{"type":"succeeded","message":${answer}}}\n`;
  const response = `{"status_code":200,"request_id":${id},"body":${answer}}`;
  return `{"id":${id},"custom_id":${name},"response":${response},"error":null}\n`;
}
