import { test } from 'vitest';
import { raceThroughCascade } from '../support/cascade-race.ts';

test.each(Array.from({ length: 40 }, (_, index) => index + 2))(
  'with many calls at a time no answer of a failed check reaches a client or the cache, and money is right: seed %i',
  (seed) => raceThroughCascade(seed),
);
