/** Prompts of a run that may be killed; every tenth is the same as the one before it. */
export function* bulkPrompts(count: number): Generator<string> {
  for (let index = 0; index < count; index += 1) yield `Question ${index % 10 === 9 ? index - 1 : index}`;
}
