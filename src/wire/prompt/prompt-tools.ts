import type { PromptTool } from '../../core/model/prompt.ts';
import type { DecodedRequest } from '../decoded-request.ts';
import { isObject, type JsonObject } from '../request-guards.ts';
import type { JsonPath } from './json-ranges.ts';
import { placedElements, type PromptSource, stringOf, typeOf } from './prompt-source.ts';

/** The tools of a request with their paths, in parallel. @internal */
export interface PlacedTools {
  readonly tools: readonly PromptTool[];
  readonly paths: readonly JsonPath[];
}

/** Reads `tools`, and the `functions` that chat had before them. @internal */
export function promptTools(endpoint: DecodedRequest['endpoint'], source: PromptSource): PlacedTools {
  const { body } = source;
  const placed = placedElements(body['tools'], ['tools']);
  const functions = endpoint === 'chat' ? placedElements(body['functions'], ['functions']) : [];
  const tools = [...placed, ...functions].filter(({ value }) => isObject(value));
  return {
    tools: tools.map(({ value, path }) => {
      const tool = isObject(value) ? value : {};
      const text = source.minifiedBlock(path);
      if (path[0] === 'functions') return { ...described('function', tool, 'parameters'), text };
      return { ...READERS[endpoint === 'chat' || endpoint === 'responses' ? endpoint : 'messages'](tool), text };
    }),
    paths: tools.map(({ path }) => path),
  };
}

type ToolFacts = Omit<PromptTool, 'text'>;

const READERS: Readonly<Record<'chat' | 'responses' | 'messages', (tool: JsonObject) => ToolFacts>> = {
  chat: (tool) => {
    const { function: called, custom } = tool;
    const type = typeOf(tool);
    if ((type === 'function' || type === '') && isObject(called)) return described('function', called, 'parameters');
    if (type === 'custom' && isObject(custom)) return described('custom', custom, 'format');
    return hosted(tool);
  },
  responses: (tool) => {
    const type = typeOf(tool);
    if (type === 'function') return described('function', tool, 'parameters');
    return type === 'custom' ? described('custom', tool, 'format') : hosted(tool);
  },
  // A tool of the caller's own has the type `custom` at Anthropic, or none.
  messages: (tool) => {
    const type = typeOf(tool);
    return type === '' || type === 'custom' ? described('function', tool, 'input_schema') : hosted(tool);
  },
};

function described(kind: 'function' | 'custom', tool: JsonObject, schema: string): ToolFacts {
  return {
    kind,
    name: stringOf(tool['name']),
    description: stringOf(tool['description']),
    parameters: tool[schema] ?? undefined,
  };
}

function hosted(tool: JsonObject): ToolFacts {
  const type = typeOf(tool);
  return {
    kind: 'hosted',
    name: stringOf(tool['name']) || type,
    description: stringOf(tool['description']),
    parameters: undefined,
  };
}

/** Whether the request makes the model call a tool, whichever or one by name. @internal */
export function mustCallTool(body: JsonObject): boolean {
  const choice = body['tool_choice'];
  if (typeof choice === 'string') return choice === 'required' || choice === 'any';
  if (!isObject(choice)) return isObject(body['function_call']);
  const type = typeOf(choice);
  if (type === 'allowed_tools') {
    const allowed = isObject(choice['allowed_tools']) ? choice['allowed_tools'] : choice;
    return allowed['mode'] === 'required';
  }
  // Anthropic's `auto` and `none` are objects, too; at OpenAI an object names what is to be called.
  return type !== 'auto' && type !== 'none';
}
