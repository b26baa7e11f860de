import { test } from 'vitest';
import { raceThroughCascade } from '../support/cascade-race.ts';

test('with many calls at a time no answer of a failed check reaches a client or the cache, and money is right', () =>
  raceThroughCascade(1));
