import { expect, test } from 'vitest';
import { resourceRegistryConformance } from '../../testing/resource-registry-conformance.ts';
import { MemoryResourceRegistry } from './memory-resource-registry.ts';

// One process: both hands are on the same store.
const rules = resourceRegistryConformance(async (clock) => {
  const store = new MemoryResourceRegistry({ clock });
  return [store, store];
});

test.each(rules)('$name', async ({ run }) => {
  await expect(run()).resolves.toBeUndefined();
});
