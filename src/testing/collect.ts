/** Reads an asynchronous sequence to its end (`Array.fromAsync`, which the library types of ES2023 do not know). @public */
export async function collect<T>(sequence: AsyncIterable<T>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const item of sequence) items.push(item);
  return items;
}
