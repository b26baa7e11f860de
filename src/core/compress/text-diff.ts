/** A stretch of a comparison: text that both have, that only the first has, or that only the second has. @public */
export interface DiffPart {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** So many steps are searched for the shortest comparison; beyond, what differs is given as one replacement. Bounds the work by steps times length. */
const MAX_STEPS = 400;
/** Changed lines with more words than this are not compared word by word. */
const MAX_WORDS = 2000;

/** Words, runs of spaces, line breaks, single other characters. */
const WORDS = /[\p{L}\p{M}\p{N}_]+|[^\S\n]+|\n|[^\p{L}\p{M}\p{N}_\s]/gu;

/**
 * Compares two texts line by line, and lines that changed word by word. The parts without `added` are the first text, those without `removed` the second;
 * no part is empty, and no two neighbours are of one kind. Shortest for texts that differ a little (Myers' algorithm); near to linear for any.
 * @public
 */
export function textDiff(before: string, after: string): readonly DiffPart[] {
  const parts: DiffPart[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const flush = (): void => {
    parts.push(...wordParts(removed.join(''), added.join('')));
    removed = [];
    added = [];
  };
  for (const { kind, text } of unitDiff(lines(before), lines(after))) {
    if (kind === 'same') {
      flush();
      parts.push({ kind, text });
    } else (kind === 'removed' ? removed : added).push(text);
  }
  flush();
  return joined(parts);
}

function wordParts(removed: string, added: string): readonly DiffPart[] {
  const whole: readonly DiffPart[] = [
    { kind: 'removed', text: removed },
    { kind: 'added', text: added },
  ];
  if (removed === '' || added === '') return whole;
  const left = removed.match(WORDS) ?? [];
  const right = added.match(WORDS) ?? [];
  return left.length + right.length > MAX_WORDS ? whole : unitDiff(left, right);
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split(/(?<=\n)/u);
}

/** Neighbours of one kind as one part; of a replacement what went comes first. */
function joined(parts: readonly DiffPart[]): readonly DiffPart[] {
  const found: DiffPart[] = [];
  const pending = { removed: '', added: '' };
  const flush = (): void => {
    for (const kind of ['removed', 'added'] as const) {
      if (pending[kind] !== '') found.push({ kind, text: pending[kind] });
      pending[kind] = '';
    }
  };
  for (const { kind, text } of parts) {
    if (text === '') continue;
    if (kind !== 'same') {
      pending[kind] += text;
      continue;
    }
    flush();
    const last = found.at(-1);
    if (last?.kind === 'same') found[found.length - 1] = { kind, text: last.text + text };
    else found.push({ kind, text });
  }
  flush();
  return found;
}

/** Compares two lists of texts after what both begin and end with. */
function unitDiff(before: readonly string[], after: readonly string[]): readonly DiffPart[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const left = before.slice(head, before.length - tail);
  const right = after.slice(head, after.length - tail);
  return [
    ...before.slice(0, head).map((text) => ({ kind: 'same', text }) as const),
    ...middleDiff(left, right),
    ...before.slice(before.length - tail).map((text) => ({ kind: 'same', text }) as const),
  ];
}

function middleDiff(left: readonly string[], right: readonly string[]): readonly DiffPart[] {
  const trace = left.length === 0 || right.length === 0 ? undefined : editTrace(left, right);
  if (trace === undefined) {
    return [
      { kind: 'removed', text: left.join('') },
      { kind: 'added', text: right.join('') },
    ];
  }
  return readBack(trace, left, right);
}

/**
 * Myers, "An O(ND) Difference Algorithm": for each number of edits and each diagonal how far one gets. Each step keeps what the one before found, 2 d + 1
 * numbers. Undefined where more edits are needed than are searched for.
 */
function editTrace(left: readonly string[], right: readonly string[]): readonly Int32Array[] | undefined {
  const most = Math.min(MAX_STEPS, left.length + right.length);
  const trace: Int32Array[] = [];
  let reach = new Int32Array(1);
  for (let edits = 0; edits <= most; edits += 1) {
    const next = new Int32Array(2 * edits + 1);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = isDown(reach, edits, diagonal)
        ? reachAt(reach, edits - 1, diagonal + 1)
        : reachAt(reach, edits - 1, diagonal - 1) + 1;
      if (edits === 0) x = 0;
      while (x < left.length && x - diagonal < right.length && x >= diagonal && left[x] === right[x - diagonal]) x += 1;
      next[diagonal + edits] = x;
      if (x >= left.length && x - diagonal >= right.length) return [...trace, next];
    }
    trace.push(next);
    reach = next;
  }
  return undefined;
}

/** Whether the best way to a diagonal comes from the one above, by something that was added. */
function isDown(reach: Int32Array, edits: number, diagonal: number): boolean {
  if (diagonal === -edits) return true;
  return diagonal !== edits && reachAt(reach, edits - 1, diagonal - 1) < reachAt(reach, edits - 1, diagonal + 1);
}

function reachAt(reach: Int32Array, edits: number, diagonal: number): number {
  return reach[diagonal + edits] ?? 0;
}

function readBack(
  trace: readonly Int32Array[],
  left: readonly string[],
  right: readonly string[],
): readonly DiffPart[] {
  const parts: DiffPart[] = [];
  let x = left.length;
  let y = right.length;
  for (let edits = trace.length - 1; edits > 0; edits -= 1) {
    const reach = trace[edits - 1] ?? new Int32Array(1);
    const isAdded = isDown(reach, edits, x - y);
    const from = reachAt(reach, edits - 1, x - y + (isAdded ? 1 : -1));
    const start = isAdded ? from : from + 1;
    while (x > start) {
      x -= 1;
      y -= 1;
      parts.push({ kind: 'same', text: left[x] ?? '' });
    }
    if (isAdded) y -= 1;
    else x -= 1;
    parts.push(isAdded ? { kind: 'added', text: right[y] ?? '' } : { kind: 'removed', text: left[x] ?? '' });
  }
  while (x > 0) {
    x -= 1;
    parts.push({ kind: 'same', text: left[x] ?? '' });
  }
  return parts.toReversed();
}
