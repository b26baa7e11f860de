import type { JsonPath } from './json-ranges.ts';
import type { PlacedBlock } from './prompt-source.ts';

/** What a tool gave back: its texts as one block, whatever else is in it behind that. @internal */
export function toolResult(callId: string, path: JsonPath, parts: readonly PlacedBlock[]): readonly PlacedBlock[] {
  const texts: string[] = [];
  const textPaths: JsonPath[] = [];
  const others: PlacedBlock[] = [];
  for (const part of parts) {
    if (part.block.kind === 'text') {
      texts.push(part.block.text);
      textPaths.push(...part.place.textPaths);
    } else others.push(part);
  }
  return [{ block: { kind: 'tool-result', callId, text: texts.join('\n') }, place: { path, textPaths } }, ...others];
}
