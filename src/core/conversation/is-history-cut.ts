import type { ConversationUnit } from './conversation-units.ts';

/**
 * Whether a conversation may lose these messages: whole units of turns, never the system's or the first ask, and no reply stays whose ask goes. What was cut
 * from one conversation need not be a cut of another one that begins like it, or of the same one after its client has rewritten it.
 * @public
 */
export function isHistoryCut(units: readonly ConversationUnit[], dropped: readonly number[]): boolean {
  const gone = new Set(dropped);
  const firstAsk = units.findIndex(({ kind }) => kind === 'ask');
  const asked = new Set<number>();
  let found = 0;
  for (const [index, { kind, start, end, turn }] of units.entries()) {
    const count = goneWithin(start, end, gone);
    found += count;
    if (count === 0) {
      if (kind === 'ask') asked.add(turn);
      if (kind === 'reply' && turn >= 0 && !asked.has(turn)) return false;
      continue;
    }
    if (count < end - start || kind === 'system' || index === firstAsk || turn < 0) return false;
  }
  return found === gone.size;
}

function goneWithin(start: number, end: number, gone: ReadonlySet<number>): number {
  let count = 0;
  for (let message = start; message < end; message += 1) if (gone.has(message)) count += 1;
  return count;
}
