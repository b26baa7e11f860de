import { expect, test } from 'vitest';
import { FarthingError } from '../../core/errors.ts';
import { MemoryResourceRegistry } from '../../stores/memory/memory-resource-registry.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { type Adoption, ResourceOwners } from './resource-owners.ts';

/** A registry that can be made to fail, and counts what it writes. */
class TroubledRegistry extends MemoryResourceRegistry {
  isDown = false;
  claims = 0;

  override async claim(...parameters: Parameters<MemoryResourceRegistry['claim']>): Promise<void> {
    this.claims += 1;
    this.#check();
    await super.claim(...parameters);
  }
  override async owners(
    ...parameters: Parameters<MemoryResourceRegistry['owners']>
  ): ReturnType<MemoryResourceRegistry['owners']> {
    this.#check();
    return super.owners(...parameters);
  }
  override async remove(...parameters: Parameters<MemoryResourceRegistry['remove']>): Promise<boolean> {
    this.#check();
    return super.remove(...parameters);
  }
  #check(): void {
    if (this.isDown) throw new FarthingError('store-unavailable', 'the disk is gone', { retryable: true });
  }
}

function stage(): { owners: ResourceOwners; registry: TroubledRegistry; faults: string[] } {
  const clock = new FakeClock();
  const registry = new TroubledRegistry({ clock });
  const faults: string[] = [];
  return {
    owners: new ResourceOwners({ registry, clock, onFault: (operation) => faults.push(operation) }),
    registry,
    faults,
  };
}

const given = (project: string, from?: string): Adoption => ({ project, provider: 'openai', from });

const FILE = { id: 'file-1', kind: 'files' } as const;
const NAMED = { id: 'file-1', param: 'input_file_id' };
const GONE = { code: 'not-found', param: 'input_file_id', status: 404 };

test('an id may be named by the project that made it, and by no other', async () => {
  const { owners } = stage();
  await owners.claim([FILE], 'a', 'openai');
  await owners.demand([NAMED], 'a');
  await owners.demand([NAMED], 'a', 'openai');
  await expect(owners.demand([NAMED], 'b')).rejects.toMatchObject(GONE);
  await expect(owners.demand([{ ...NAMED, id: 'file-2' }], 'a')).rejects.toMatchObject(GONE);
});

test('what is known at one provider is unknown at another', async () => {
  const { owners } = stage();
  await owners.claim([FILE], 'a', 'openai');
  await expect(owners.demand([NAMED], 'a', 'backup')).rejects.toMatchObject(GONE);
});

test('where it is not known yet who answers, an id that is another’s anywhere may not be named', async () => {
  const { owners } = stage();
  await owners.claim([FILE], 'a', 'openai');
  await owners.claim([FILE], 'b', 'backup');
  await expect(owners.demand([NAMED], 'a')).rejects.toMatchObject(GONE);
  await owners.demand([NAMED], 'a', 'openai');
});

test('one foreign id among own ones is enough, and the first place is told', async () => {
  const { owners } = stage();
  await owners.claim([FILE], 'a', 'openai');
  const ids = [NAMED, { id: 'vs_1', param: 'tools[0].vector_store_ids' }, { id: 'vs_2', param: 'x' }];
  await expect(owners.demand(ids, 'a')).rejects.toMatchObject({ param: 'tools[0].vector_store_ids' });
});

test('an id that was claimed a moment ago is not written again', async () => {
  const { owners, registry } = stage();
  await owners.claim([FILE], 'a', 'openai');
  await owners.claim([FILE], 'a', 'openai');
  await owners.claim([FILE], 'a', 'backup');
  expect(registry.claims).toBe(2);
});

test('while the registry fails no id may be named, and nothing that would be lost is passed on', async () => {
  const { owners, registry } = stage();
  registry.isDown = true;
  await expect(owners.demand([NAMED], 'a')).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  await expect(owners.claim([FILE], 'a', 'openai')).rejects.toMatchObject({ code: 'store-unavailable' });
  await owners.demand([], 'a');
});

test('an answer that is paid for is given while the registry fails; its ids are nobody’s, and the fault is counted', async () => {
  const { owners, registry, faults } = stage();
  registry.isDown = true;
  await owners.claimIfPossible([FILE], 'a', 'openai');
  await owners.forget('openai', 'file-1');
  expect(faults).toEqual(['claim', 'remove']);
  registry.isDown = false;
  await expect(owners.demand([NAMED], 'a')).rejects.toMatchObject(GONE);
  await owners.claimIfPossible([FILE], 'a', 'openai');
  await owners.demand([NAMED], 'a');
});

test('an operator gives what is nobody’s, also what was forgotten, and takes from no project', async () => {
  const { owners } = stage();
  await owners.claim([FILE], 'a', 'openai');
  await owners.forget('openai', 'file-1');
  await owners.adopt([FILE], given('b'));
  await owners.demand([NAMED], 'b');
  const both = [{ id: 'file-2', kind: 'files' as const }, FILE];
  await expect(owners.adopt(both, given('a'))).rejects.toMatchObject({ status: 409 });
  await expect(owners.demand([{ id: 'file-2', param: 'x' }], 'a')).rejects.toMatchObject({ status: 404 });
});

test('an operator gives what was a project’s to the name that it has now', async () => {
  const { owners } = stage();
  await owners.claim([FILE], 'old', 'openai');
  await owners.claim([FILE], 'other', 'backup');
  await expect(owners.adopt([FILE], given('new', 'other'))).rejects.toMatchObject({ status: 409 });
  await owners.adopt([FILE], given('new', 'old'));
  await owners.demand([NAMED], 'new', 'openai');
  await expect(owners.demand([NAMED], 'old', 'openai')).rejects.toMatchObject(GONE);
  await owners.demand([NAMED], 'other', 'backup');
});
