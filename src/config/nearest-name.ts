/** Single-letter changes (insert, delete, replace) that lead from one word to the other. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + Number(left[row - 1] !== right[column - 1]);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/**
 * The known name that was probably meant.
 * @returns undefined when none is within a third of the word's length (at least two letters).
 * @internal
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const word = name.toLowerCase();
  // Far longer than any known name: comparing would only cost time.
  if (word.length > 64) return undefined;
  let nearest: string | undefined;
  let best = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate.toLowerCase());
    if (distance >= best || distance >= candidate.length) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}
