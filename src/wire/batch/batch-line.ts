/** Line feeds and returns: in JSON text they stand between tokens only, since strings hold them escaped (RFC 8259, 7). */
const LINE_BREAKS = /[\r\n]/g;

/**
 * A line of the input file of an OpenAI batch, without its line feed. The body is set in as it was written, but for line breaks between its tokens.
 * @param url - The endpoint's path as OpenAI names it: `/v1/chat/completions`.
 * @param body - Sound JSON text.
 * @internal
 */
export function openaiBatchLine(customId: string, url: string, body: string): string {
  const [id, path] = [JSON.stringify(customId), JSON.stringify(url)];
  return `{"custom_id":${id},"method":"POST","url":${path},"body":${oneLine(body)}}`;
}

/**
 * An element of `requests` of an Anthropic batch. The body is set in as it was written, but for line breaks between its tokens.
 * @param body - Sound JSON text.
 * @internal
 */
export function anthropicBatchRequest(customId: string, body: string): string {
  return `{"custom_id":${JSON.stringify(customId)},"params":${oneLine(body)}}`;
}

function oneLine(json: string): string {
  return json.replace(LINE_BREAKS, ' ');
}
