import type { JsonRange, JsonRanges } from './json-ranges.ts';

/** Members that mark where a prompt may be cached and that the model never sees: Anthropic's, OpenAI's. @internal */
export const CACHE_MARKS: readonly string[] = ['cache_control', 'prompt_cache_breakpoint'];

/**
 * The text of a block or tool as it was written, without its cache marks. Deeper in it (a tool's arguments, a schema) such members are data that mean something
 * else.
 * @internal
 */
export function unmarkedJson(ranges: JsonRanges, range: JsonRange): string {
  let result = '';
  let from = range.start;
  for (const cut of ownMarks(ranges, range)) {
    result += ranges.text.slice(from, cut.start);
    from = cut.end;
  }
  return result + ranges.text.slice(from, range.end);
}

/** Ranges of an object's marks, each with a comma beside it. */
function ownMarks(ranges: JsonRanges, range: JsonRange): readonly JsonRange[] {
  const members = [...ranges.membersOf(range)];
  const cuts: JsonRange[] = [];
  let keptEnd: number | undefined;
  for (const [index, [name, { keyStart, valueEnd }]] of members.entries()) {
    if (!CACHE_MARKS.includes(name)) keptEnd = valueEnd;
    else if (keptEnd === undefined) cuts.push({ start: keyStart, end: members[index + 1]?.[1].keyStart ?? valueEnd });
    else {
      cuts.push({ start: keptEnd, end: valueEnd });
      keptEnd = valueEnd;
    }
  }
  return cuts;
}
