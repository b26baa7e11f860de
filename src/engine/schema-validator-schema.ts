import type { Schema } from '@cfworker/json-schema';
import { readKeywords } from './schema-validator-keywords.ts';
import type { SchemaWork, VisitCost } from './schema-validator-work.ts';

/** A schema that is safe to evaluate. @internal */
export interface VettedSchema {
  readonly root: Schema;
  /** What the references in it mean, by the names that they were given. */
  readonly references: Record<string, Schema | boolean>;
  /** Counts what evaluating it takes. */
  readonly work: SchemaWork;
}

/** Schemas in a schema, and names and values that they list. Ours: some 256 KB of the usual kind; recorded real requests stay below 500. */
const MAX_PARTS = 20_000;
/** Levels of nesting. Ours, as deep as a request may be. */
const MAX_DEPTH = 64;

/**
 * A schema of the copy. The evaluator reads every keyword that it knows of each schema that it visits, `$recursiveRef` among them, which no copy ever has: reading it is
 * how a visit is counted. A test holds that it is read.
 */
class CountedSchema {
  [keyword: string]: unknown;
  readonly #work: SchemaWork;
  #cost: VisitCost = { names: 0, measuresStrings: false, comparesElements: false };

  constructor(work: SchemaWork) {
    this.#work = work;
  }

  get $recursiveRef(): undefined {
    this.#work.visit(this.#cost);
    return undefined;
  }

  take(keywords: Readonly<Record<string, unknown>>, cost: VisitCost): void {
    Object.assign(this, keywords);
    this.#cost = cost;
  }
}

/**
 * Copies what can be evaluated of a schema: known keywords with values that make sense. What it says in other ways says nothing here, since a check that fails on an odd
 * schema would fail on every answer.
 * @returns undefined where a reference leads nowhere, or where it is too large or too deep.
 * @internal
 */
export function vettedSchema(schema: object, work: SchemaWork): VettedSchema | undefined {
  const copier = new SchemaCopier(schema, work);
  try {
    return { root: evaluable(copier.copyAll()), references: copier.evaluables(), work };
  } catch (error) {
    if (error instanceof UnusableSchema) return undefined;
    throw error;
  }
}

/** The evaluator's type knows the keyword that counts as a word only. */
function evaluable(copy: CountedSchema): Schema {
  return copy as unknown as Schema;
}

class UnusableSchema extends Error {}

class SchemaCopier {
  readonly #root: object;
  readonly #work: SchemaWork;
  /** A schema that several references mean is copied once, and one that holds itself ends. */
  readonly #copies: Map<object, CountedSchema> = new Map();
  readonly #targets: unknown[] = [];
  readonly #references: Map<string, CountedSchema> = new Map();
  readonly #names: Map<string, string> = new Map();
  #parts = 0;

  constructor(root: object, work: SchemaWork) {
    this.#root = root;
    this.#work = work;
  }

  /** References are followed one after the other and not within one another, which would take stack for each. */
  copyAll(): CountedSchema {
    const root = this.#copy(this.#root, 0);
    for (let index = 0; index < this.#targets.length; index += 1) {
      this.#references.set(`reference-${index}`, this.#copy(this.#targets[index], 0));
    }
    return root;
  }

  evaluables(): Record<string, Schema> {
    return Object.fromEntries([...this.#references].map(([name, copy]) => [name, evaluable(copy)]));
  }

  #copy(schema: unknown, depth: number): CountedSchema {
    if (depth > MAX_DEPTH) throw new UnusableSchema();
    this.#count(1);
    const isObject = typeof schema === 'object' && schema !== null;
    const found = isObject ? this.#copies.get(schema) : undefined;
    if (found !== undefined) return found;
    const copy = new CountedSchema(this.#work);
    if (isObject) this.#copies.set(schema, copy);
    const read = readKeywords(schema, {
      copy: (part) => this.#copy(part, depth + 1),
      reference: (pointer) => this.#reference(pointer),
    });
    this.#count(read.cost.names);
    copy.take(read.keywords, read.cost);
    return copy;
  }

  #reference(pointer: string): string {
    const known = this.#names.get(pointer);
    if (known !== undefined) return known;
    const name = `reference-${this.#targets.length}`;
    this.#names.set(pointer, name);
    this.#targets.push(targetOf(this.#root, pointer));
    return name;
  }

  #count(parts: number): void {
    this.#parts += parts;
    if (this.#parts > MAX_PARTS) throw new UnusableSchema();
  }
}

/** What `#` or `#/path/of/names` means. Nothing else is followed: no other document is ever fetched. */
function targetOf(root: object, pointer: string): unknown {
  if (pointer !== '#' && !pointer.startsWith('#/')) throw new UnusableSchema();
  let target: unknown = root;
  for (const step of pointer.split('/').slice(1)) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof target !== 'object' || target === null || !Object.hasOwn(target, name)) throw new UnusableSchema();
    target = (target as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof target !== 'boolean' && (typeof target !== 'object' || target === null)) throw new UnusableSchema();
  return target;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
