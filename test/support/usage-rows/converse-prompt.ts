import type { Prompt, PromptBlock, PromptMessage, PromptRole, PromptTool } from '../../../src/core/model/prompt.ts';
import { fieldOf, functionTool, hostedTool, imageBlock, isRecord, type Json, listOf, opaque, textOf } from './json.ts';

/** Reads a Bedrock Converse request. @internal */
export function conversePrompt(body: Json): Prompt {
  const messages: PromptMessage[] = [];
  const system = listOf(body['system']).flatMap(blocksOf);
  if (system.length > 0) messages.push({ role: 'system', name: undefined, blocks: system });
  for (const message of listOf(body['messages'])) {
    if (!isRecord(message)) continue;
    const role: PromptRole = message['role'] === 'assistant' ? 'assistant' : 'user';
    messages.push({ role, name: undefined, blocks: listOf(message['content']).flatMap(blocksOf) });
  }
  const choice = fieldOf(body['toolConfig'], 'toolChoice');
  const extra = fieldOf(body['additionalModelRequestFields'], 'thinking');
  const schema = fieldOf(
    fieldOf(fieldOf(fieldOf(body['outputConfig'], 'textFormat'), 'structure'), 'jsonSchema'),
    'schema',
  );
  return {
    tools: listOf(fieldOf(body['toolConfig'], 'tools')).flatMap(toolOf),
    mustCallTool: fieldOf(choice, 'any', 'tool') !== undefined,
    ...(fieldOf(extra, 'type') === 'enabled' ? { thinks: true } : {}),
    messages,
    formatText: typeof schema === 'string' ? schema : undefined,
  };
}

function toolOf(tool: unknown): readonly PromptTool[] {
  if (!isRecord(tool) || tool['cachePoint'] !== undefined) return [];
  const { toolSpec } = tool;
  if (!isRecord(toolSpec)) return [hostedTool(tool)];
  const { name, description, inputSchema } = toolSpec;
  return [functionTool({ name, description, parameters: fieldOf(inputSchema, 'json') }, 'parameters')];
}

function blocksOf(part: unknown): readonly PromptBlock[] {
  if (!isRecord(part) || part['cachePoint'] !== undefined) return [];
  const { text, toolUse, toolResult, reasoningContent, image } = part;
  if (typeof text === 'string') return [{ kind: 'text', text }];
  if (isRecord(toolUse)) {
    const argumentsText = JSON.stringify(toolUse['input'] ?? {});
    return [{ kind: 'tool-call', callId: textOf(toolUse['toolUseId']), name: textOf(toolUse['name']), argumentsText }];
  }
  if (isRecord(toolResult)) {
    const blocks = listOf(toolResult['content']).flatMap(blocksOf);
    const texts = blocks.flatMap((block) => (block.kind === 'text' ? [block.text] : []));
    const result = { kind: 'tool-result', callId: textOf(toolResult['toolUseId']), text: texts.join('\n') } as const;
    return [result, ...blocks.filter(({ kind }) => kind !== 'text')];
  }
  if (isRecord(reasoningContent)) {
    return [{ kind: 'reasoning', text: textOf(fieldOf(reasoningContent['reasoningText'], 'text')) }];
  }
  if (isRecord(image)) return [imageBlock(fieldOf(image['source'], 'bytes'), `image/${textOf(image['format'])}`)];
  return [opaque(Object.keys(part)[0] ?? 'part', part)];
}
