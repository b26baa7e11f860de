import type { JsonRange, JsonRanges } from './json-ranges.ts';

/** Members that mark where a prompt may be cached and that the model never sees: Anthropic's, OpenAI's. @internal */
export const CACHE_MARKS: readonly string[] = ['cache_control', 'prompt_cache_breakpoint'];

/** Members whose elements may have marks of their own: the content of a tool's result or of a message, the output of a call. */
const MARKED_LISTS: readonly string[] = ['content', 'output'];

/**
 * The text of a block as it was written, without its cache marks and those of the parts in it. What lies deeper (a tool's arguments, a schema) is data, where such
 * a member means something else.
 * @internal
 */
export function unmarkedJson(ranges: JsonRanges, range: JsonRange): string {
  const cuts = [...ownMarks(ranges, range)];
  for (const name of MARKED_LISTS) {
    const list = ranges.memberOf(range, name);
    if (list === undefined) continue;
    for (const part of ranges.elementsOf(list)) cuts.push(...ownMarks(ranges, part));
  }
  let result = '';
  let from = range.start;
  for (const cut of cuts.toSorted((left, right) => left.start - right.start)) {
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
