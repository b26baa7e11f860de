import { expect, test } from 'vitest';
import { embeddingInputs, inputClass } from './embedding-inputs.ts';

test('a text and a list of tokens are one input, an array of either has as many as it is long', () => {
  expect(['a', [1, 2, 3], ['a', 'b'], [[1], [2, 3], [4]], undefined, []].map(embeddingInputs)).toEqual([
    1, 1, 2, 3, 1, 1,
  ]);
});

test('a request is counted for no less than it has, and for less than twice as many', () => {
  for (let inputs = 1; inputs <= 5000; inputs += 1) {
    const most = inputClass(inputs);
    expect(most >= inputs && most < 2 * inputs).toBe(true);
  }
});
