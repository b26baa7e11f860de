import { expect, test } from 'vitest';
import { nextTurn } from './next-turn.ts';

test('between two steps over a large body others have their turn; over a small one there is no pause', async () => {
  expect(nextTurn(new Uint8Array(99_999))).toBeUndefined();
  const order: string[] = [];
  setImmediate(() => order.push('another call'));
  await nextTurn(new Uint8Array(100_000));
  order.push('the next step');
  expect(order).toEqual(['another call', 'the next step']);
});
