import type { Prompt, PromptBlock, PromptMessage, PromptTool } from '../../../src/core/model/prompt.ts';
import { fieldOf, functionTool, hostedTool, imageBlock, isRecord, type Json, listOf, opaque, textOf } from './json.ts';

/** Reads a Gemini `generateContent` or `countTokens` request, in either spelling of its fields. @internal */
export function geminiPrompt(body: Json): Prompt {
  const messages: PromptMessage[] = [];
  const system = fieldOf(body, 'systemInstruction', 'system_instruction');
  if (isRecord(system)) messages.push({ role: 'system', name: undefined, blocks: partsOf(system) });
  for (const content of listOf(body['contents'])) {
    if (!isRecord(content)) continue;
    messages.push({
      role: content['role'] === 'model' ? 'assistant' : 'user',
      name: undefined,
      blocks: partsOf(content),
    });
  }
  // What the provider keeps is part of the prompt as well.
  if (typeof body['cachedContent'] === 'string') {
    messages.unshift({ role: 'system', name: undefined, blocks: [opaque('cachedContent', body['cachedContent'])] });
  }
  const calling = fieldOf(
    fieldOf(body, 'toolConfig', 'tool_config'),
    'functionCallingConfig',
    'function_calling_config',
  );
  const format = fieldOf(
    fieldOf(body, 'generationConfig', 'generation_config'),
    'responseJsonSchema',
    'responseSchema',
  );
  return {
    tools: toolsOf(body['tools']),
    mustCallTool: fieldOf(calling, 'mode') === 'ANY',
    messages,
    formatText: format === undefined ? undefined : JSON.stringify(format),
  };
}

function toolsOf(tools: unknown): readonly PromptTool[] {
  return (Array.isArray(tools) ? tools : listOf([tools])).flatMap((tool: unknown) => {
    if (!isRecord(tool)) return [];
    const declarations = fieldOf(tool, 'functionDeclarations', 'function_declarations');
    if (!Array.isArray(declarations)) return [hostedTool(tool)];
    return declarations.map((declared: unknown) =>
      functionTool(declared, 'parametersJsonSchema', 'parameters_json_schema', 'parameters'),
    );
  });
}

function partsOf(content: Json): readonly PromptBlock[] {
  return listOf(content['parts']).flatMap((part) => (isRecord(part) ? partBlocks(part) : []));
}

function partBlocks(part: Json): readonly PromptBlock[] {
  const signature = fieldOf(part, 'thoughtSignature', 'thought_signature');
  const block = partBlock(part);
  return typeof signature === 'string' ? [block, opaque('thought-signature', signature)] : [block];
}

function partBlock(part: Json): PromptBlock {
  const { text } = part;
  if (typeof text === 'string') return part['thought'] === true ? { kind: 'reasoning', text } : { kind: 'text', text };
  const call = fieldOf(part, 'functionCall', 'function_call');
  if (isRecord(call)) {
    const argumentsText = JSON.stringify(call['args'] ?? {});
    return { kind: 'tool-call', callId: textOf(call['id']), name: textOf(call['name']), argumentsText };
  }
  const response = fieldOf(part, 'functionResponse', 'function_response');
  // Media in a response is a file to the provider, and opaque here.
  if (isRecord(response)) {
    if (response['parts'] !== undefined) return opaque('functionResponse', response);
    return { kind: 'tool-result', callId: textOf(response['id']), text: JSON.stringify(response['response']) };
  }
  const inline = fieldOf(part, 'inlineData', 'inline_data');
  const mediaType = textOf(fieldOf(inline, 'mimeType', 'mime_type'));
  if (mediaType.startsWith('image/')) return imageBlock(fieldOf(inline, 'data'), mediaType);
  return opaque(Object.keys(part)[0] ?? 'part', part);
}
