import { FarthingError } from '../../core/errors.ts';
import type { BudgetOwner, BudgetStanding } from '../../ports/budget-store.ts';
import { fieldsOf, ownerText } from './budget-account-text.ts';
import { STANDING_SCRIPTS } from './budget-standing-scripts.ts';
import type { RedisConnection } from './redis-connection.ts';

const ABSENT: BudgetStanding = { generation: undefined, phase: 'absent', definitions: [], owners: [] };

/** A generation whose accounts have still to be deleted. @internal */
export interface DoomedGeneration {
  readonly generation: string;
  readonly definitions: readonly string[];
}

/** The one key that says what the counters are worth. @internal */
export class RedisBudgetStanding {
  readonly #connection: RedisConnection;
  readonly #keys: readonly string[];

  constructor(connection: RedisConnection) {
    this.#connection = connection;
    this.#keys = [`${connection.keyPrefix}budget-standing`];
  }

  async read(): Promise<BudgetStanding> {
    const fields = fieldsOf(await this.#connection.script(STANDING_SCRIPTS.read, this.#keys));
    const generation = fields.get('generation');
    if (generation === undefined) return ABSENT;
    const owners = [...fields].filter(([field]) => field.startsWith('o:'));
    return {
      generation,
      phase: fields.get('phase') === 'ready' ? 'ready' : 'building',
      definitions: definitionsOf(fields.get('definitions')),
      owners: owners.map(([field, cut]) => ({ ownerId: decodeURIComponent(field.slice(2)), cutMs: Number(cut) })),
    };
  }

  /** The definitions of a generation; undefined when it is not the store's. */
  async definitionsIn(generation: string): Promise<readonly string[] | undefined> {
    const answer = await this.#connection.script(STANDING_SCRIPTS.check, this.#keys, generation);
    return typeof answer === 'string' ? definitionsOf(answer) : undefined;
  }

  async join(owner: BudgetOwner, generation: string): Promise<boolean> {
    const name = ownerText(owner.ownerId);
    return (await this.#connection.script(STANDING_SCRIPTS.join, this.#keys, generation, name, owner.cutMs)) === 1;
  }

  async leave(ownerId: string): Promise<void> {
    await this.#connection.command('HDEL', ...this.#keys, `o:${ownerText(ownerId)}`);
  }

  /** `ready`: this generation was begun and finished before. */
  async begin(
    generation: string,
    definitions: readonly string[],
    current: string | undefined,
    patienceMs: number,
  ): Promise<'begun' | 'ready' | 'other'> {
    const args = [generation, JSON.stringify(definitions), current ?? '', patienceMs];
    const answer = await this.#connection.script(STANDING_SCRIPTS.begin, this.#keys, ...args);
    if (answer === 'evicting') {
      throw new FarthingError('configuration', 'budgets need a Redis that evicts nothing: maxmemory-policy noeviction');
    }
    return answer === 'begun' || answer === 'ready' ? answer : 'other';
  }

  /** `doomed`: accounts of earlier generations have to be deleted before. */
  async finish(generation: string, counted: readonly string[] | undefined): Promise<'done' | 'doomed' | 'other'> {
    const owners = counted === undefined ? ['0'] : ['1', ...counted.map(ownerText)];
    const answer = await this.#connection.script(STANDING_SCRIPTS.finish, this.#keys, generation, ...owners);
    return answer === 'done' || answer === 'doomed' ? answer : 'other';
  }

  async doomed(): Promise<readonly DoomedGeneration[]> {
    const fields = fieldsOf(await this.#connection.command('HGETALL', ...this.#keys));
    return [...fields]
      .filter(([field]) => field.startsWith('d:'))
      .map(([field, text]) => ({ generation: field.slice(2), definitions: definitionsOf(text) }));
  }

  async deleted({ generation }: DoomedGeneration): Promise<void> {
    await this.#connection.command('HDEL', ...this.#keys, `d:${generation}`);
  }
}

function definitionsOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : (JSON.parse(text) as readonly string[]);
}
