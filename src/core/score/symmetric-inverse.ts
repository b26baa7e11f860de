/**
 * The inverse of a symmetric positive definite matrix, row by row: Gauss and Jordan, which need no pivots there.
 * @internal
 */
export function inverseOf(matrix: Float64Array, size: number): Float64Array {
  const left = matrix.slice();
  const inverse = Float64Array.from(matrix, (_, at) => (Math.floor(at / size) === at % size ? 1 : 0));
  for (let pivot = 0; pivot < size; pivot += 1) {
    const scale = left[pivot * size + pivot] ?? 1;
    for (const rows of [left, inverse]) {
      for (let column = 0; column < size; column += 1)
        rows[pivot * size + column] = (rows[pivot * size + column] ?? 0) / scale;
    }
    for (let row = 0; row < size; row += 1) {
      const factor = row === pivot ? 0 : (left[row * size + pivot] ?? 0);
      for (const rows of [left, inverse]) takeRow(rows, size, { from: row, row: pivot, factor });
    }
  }
  return inverse;
}

function takeRow(
  rows: Float64Array,
  size: number,
  { from, row, factor }: { readonly from: number; readonly row: number; readonly factor: number },
): void {
  for (let column = 0; column < size; column += 1) {
    const at = from * size + column;
    rows[at] = (rows[at] ?? 0) - factor * (rows[row * size + column] ?? 0);
  }
}
