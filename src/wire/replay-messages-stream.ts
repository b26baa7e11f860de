import { objectOf } from './reply-fields.ts';
import { EventWriter } from './replay-events.ts';
import { type Fields, listOf, wordOf } from './usage-count.ts';

/** The events that a message would have come in. @internal */
export function messagesStream(body: Fields): Uint8Array | undefined {
  if (body['type'] !== 'message' || !Array.isArray(body['content'])) return undefined;
  if (wordOf(body['stop_reason']) === undefined) return undefined;
  const writer = new EventWriter();
  const add = (type: string, fields: Fields): void => writer.write(type, { type, ...fields });
  const usage = objectOf(body['usage']) ?? {};
  const begun = { ...body, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 0 } };
  add('message_start', { message: begun });
  for (const [index, item] of body['content'].entries()) {
    const block = objectOf(item);
    if (block === undefined) return undefined;
    const { start, deltas } = blockEvents(block);
    add('content_block_start', { index, content_block: start });
    for (const delta of deltas) add('content_block_delta', { index, delta });
    add('content_block_stop', { index });
  }
  add('message_delta', { delta: messageDelta(body), usage });
  add('message_stop', {});
  return writer.bytes();
}

function messageDelta(body: Fields): Fields {
  const delta: Record<string, unknown> = {
    stop_reason: body['stop_reason'],
    stop_sequence: body['stop_sequence'] ?? null,
  };
  for (const name of ['stop_details', 'container']) if (name in body) delta[name] = body[name];
  return delta;
}

interface BlockEvents {
  readonly start: Fields;
  readonly deltas: readonly Fields[];
}

/** How a block is cut into its beginning and its deltas; blocks that never stream (results of tools) come whole. */
function blockEvents(block: Fields): BlockEvents {
  switch (block['type']) {
    case 'text': {
      const citations = listOf(block['citations']).map((citation) => ({ type: 'citations_delta', citation }));
      const start: Record<string, unknown> = { ...block, text: '' };
      if (citations.length > 0) start['citations'] = [];
      return { start, deltas: [...textDeltas('text_delta', 'text', block['text']), ...citations] };
    }
    case 'thinking':
      return {
        start: { ...block, thinking: '', signature: '' },
        deltas: [
          ...textDeltas('thinking_delta', 'thinking', block['thinking']),
          ...textDeltas('signature_delta', 'signature', block['signature']),
        ],
      };
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use': {
      const input = JSON.stringify(block['input'] ?? {});
      return {
        start: { ...block, input: {} },
        deltas: [{ type: 'input_json_delta', partial_json: input === '{}' ? '' : input }],
      };
    }
    default:
      return { start: block, deltas: [] };
  }
}

function textDeltas(type: string, name: string, value: unknown): readonly Fields[] {
  const text = wordOf(value);
  return text === undefined ? [] : [{ type, [name]: text }];
}
