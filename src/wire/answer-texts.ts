import type { Endpoint } from '../core/model/protocol.ts';

/** The text of each choice of a whole reply, in order; reasoning, refusals and tool calls are no text. @internal */
export function answerTexts(endpoint: Endpoint, body: unknown): readonly string[] {
  switch (endpoint) {
    case 'chat':
      return listAt(body, 'choices').map((choice) => stringAt(fieldOf(choice, 'message'), 'content'));
    case 'responses':
      return [joined(listAt(body, 'output').flatMap((item) => listAt(item, 'content')))];
    case 'messages':
      return [joined(listAt(body, 'content'))];
    case 'embeddings':
    case 'count-tokens':
      return [];
  }
}

function joined(parts: readonly unknown[]): string {
  return parts.map((part) => stringAt(part, 'text')).join('');
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const list = fieldOf(value, name);
  return Array.isArray(list) ? list : [];
}

function stringAt(value: unknown, name: string): string {
  const text = fieldOf(value, name);
  return typeof text === 'string' ? text : '';
}
