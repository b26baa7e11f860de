import type { Endpoint } from '../core/model/protocol.ts';
import type { Finish } from '../core/model/reply.ts';
import type { AnsweredToolCall, AnswerView } from '../core/verify/answer-view.ts';
import { calledItem } from './answer-calls.ts';
import { replyError } from './reply-error.ts';
import { objectOf, objectsOf } from './reply-fields.ts';
import { chatFinish, messagesFinish, responsesFinish, worseFinish } from './reply-finish.ts';
import { type Fields, wordOf } from './usage-count.ts';

/**
 * Each answer of a whole reply, in order: a chat completion has one for each choice, the other protocols have one. None where the body holds none: no JSON object, an
 * error, or an endpoint without answers. Never throws.
 * @param body - the parsed JSON of the reply.
 * @internal
 */
export function answerViews(endpoint: Endpoint, body: unknown): readonly AnswerView[] {
  const reply = objectOf(body);
  if (reply === undefined || replyError(reply['error']) !== undefined) return [];
  switch (endpoint) {
    case 'chat':
      return objectsOf(reply['choices']).map(chatAnswer);
    case 'responses':
      return Array.isArray(reply['output']) ? [responsesAnswer(reply)] : [];
    case 'messages':
      return Array.isArray(reply['content']) ? [messagesAnswer(reply)] : [];
    case 'embeddings':
    case 'count-tokens':
      return [];
  }
}

function chatAnswer(choice: Fields): AnswerView {
  const message = objectOf(choice['message']) ?? {};
  const { content } = message;
  const text = typeof content === 'string' ? content : textOf(content);
  const called = objectsOf(message['tool_calls']).map((call) => objectOf(call['function']) ?? objectOf(call['custom']));
  const toolCalls = [...called, functionCallOf(message)].flatMap((call) =>
    call === undefined ? [] : [toolCall(call)],
  );
  const refused = wordOf(message['refusal']) !== undefined;
  const failed = replyError(choice['error']) !== undefined;
  const finish = failed ? 'error' : chatFinish(wordOf(choice['finish_reason']) ?? '');
  return { text, toolCalls, finish: finishOf(finish, refused, toolCalls) };
}

/** What chat had before tools. Snowflake sends an empty one with every message. */
function functionCallOf(message: Fields): Fields | undefined {
  const call = objectOf(message['function_call']);
  return wordOf(call?.['name']) === undefined ? undefined : call;
}

function responsesAnswer(reply: Fields): AnswerView {
  const items = objectsOf(reply['output']);
  const parts = items.filter((item) => item['type'] === 'message').flatMap((item) => objectsOf(item['content']));
  const toolCalls = items.flatMap((item) => calledItem(item) ?? []);
  const refused = parts.some((part) => wordOf(part['refusal']) !== undefined);
  const reason = wordOf(objectOf(reply['incomplete_details'])?.['reason']);
  const finish = responsesFinish(wordOf(reply['status']) ?? 'unknown', reason);
  return { text: textOf(parts), toolCalls, finish: finishOf(finish, refused, toolCalls) };
}

function messagesAnswer(reply: Fields): AnswerView {
  const blocks = objectsOf(reply['content']);
  // Calls of the provider's own tools (`server_tool_use`, `mcp_tool_use`) are answered by the provider.
  const toolCalls = blocks.filter((block) => block['type'] === 'tool_use').map(toolCall);
  const finish = messagesFinish(wordOf(reply['stop_reason']) ?? '');
  return { text: textOf(blocks), toolCalls, finish: finishOf(finish, false, toolCalls) };
}

/** As `wholeReplyFacts` has it: a refusal is worse than its end says, and a call that the request forced ends with `stop`. */
function finishOf(finish: Finish, refused: boolean, toolCalls: readonly AnsweredToolCall[]): Finish {
  if (refused) return worseFinish(finish, 'refusal');
  return finish === 'complete' && toolCalls.length > 0 ? 'tool-calls' : finish;
}

/** Text parts, joined. Thinking has its text under other names. */
function textOf(parts: unknown): string {
  return objectsOf(parts)
    .map((part) => part['text'])
    .filter((text) => typeof text === 'string')
    .join('');
}

function toolCall(call: Fields): AnsweredToolCall {
  const written = call['arguments'] ?? call['input'];
  return {
    name: wordOf(call['name']) ?? '',
    // Anthropic's input is JSON already, and so are the arguments that some servers of open models send.
    argumentsText: typeof written === 'string' ? written : (JSON.stringify(written) ?? ''),
  };
}
