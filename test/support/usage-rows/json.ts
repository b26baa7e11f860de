import type { PromptBlock, PromptTool } from '../../../src/core/model/prompt.ts';

/** An object of a recorded body. @internal */
export type Json = Readonly<Record<string, unknown>>;

/** @internal */
export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @internal */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** @internal */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The first of these fields that an object has. @internal */
export function fieldOf(value: unknown, ...names: readonly string[]): unknown {
  const record = isRecord(value) ? value : {};
  return names.map((name) => record[name]).find((field) => field !== undefined && field !== null);
}

/** A function whose schema is in the first of these fields that it has. @internal */
export function functionTool(declared: unknown, ...schemas: readonly string[]): PromptTool {
  const { name, description } = isRecord(declared) ? declared : {};
  return {
    kind: 'function',
    name: textOf(name),
    description: textOf(description),
    parameters: fieldOf(declared, ...schemas),
    text: JSON.stringify(declared),
  };
}

/** A tool of the provider's own. @internal */
export function hostedTool(tool: Json): PromptTool {
  const [name = ''] = Object.keys(tool);
  return { kind: 'hosted', name, description: '', parameters: undefined, text: JSON.stringify(tool) };
}

/** @internal */
export function imageBlock(data: unknown, mediaType: string): PromptBlock {
  const inline = typeof data === 'string' ? data : undefined;
  return { kind: 'image', data: inline, mediaType, width: undefined, height: undefined, detail: undefined };
}

/** @internal */
export function opaque(type: string, value: unknown): PromptBlock {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { kind: 'opaque', type, sizeBytes: Buffer.byteLength(text) };
}
