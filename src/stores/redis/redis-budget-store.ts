import type { AccountState, BucketAmounts, ExchangeRequest } from '../../core/budget/account-state.ts';
import type { AccountId } from '../../core/budget/budget.ts';
import { FarthingError } from '../../core/errors.ts';
import type {
  BudgetOwner,
  BudgetStanding,
  BudgetStore,
  BudgetStoreUpkeep,
  ExchangeTerms,
  FoldTerms,
  StoreReply,
} from '../../ports/budget-store.ts';
import { ACCOUNT_SCRIPTS } from './budget-account-scripts.ts';
import {
  accountOfFields,
  amountsText,
  exchangeArguments,
  fieldsOf,
  ownerText,
  parseExchangeReply,
} from './budget-account-text.ts';
import { REGISTER_SCRIPTS } from './budget-standing-scripts.ts';
import { RedisBudgetStanding } from './redis-budget-standing.ts';
import type { RedisConnection } from './redis-connection.ts';

/** Options of {@link RedisBudgetStore}. @public */
export interface RedisBudgetStoreOptions {
  readonly connection: RedisConnection;
}

/** Accounts that are worked on at the same time. */
const BATCH = 200;

/** An account outlives its place in the register by this, so that one that is missing before was lost, in milliseconds. */
const AFTERLIFE_MS = 60_000;

/** How often an operation finds that the account it made has vanished again before it gives up. */
const MAX_TRIES = 3;

/** What became of making an account. */
type Making = 'made' | 'stale' | 'full' | 'lost';

interface NewAccount {
  readonly account: AccountId;
  readonly generation: string;
  /** Undefined: however many there are, money that was spent must be counted. */
  readonly maxAccounts: number | undefined;
  readonly keepMs: number | undefined;
}

/**
 * Counters of budgets on Redis. Each operation on an account is one script on one key, also in a cluster; an account's first use takes some
 * more, in which it is entered into a register. What a restart, a failover, a flush or an eviction took away is noticed: by the server's run
 * id, which each script compares, by the register and by the owners' sequence numbers; the answer is then `lost`, or the standing `absent`.
 * `maxAccounts` may be passed by what several processes create in the same instant.
 *
 * Closing the store does not close the connection, which others share.
 * @public
 */
export class RedisBudgetStore implements BudgetStore, BudgetStoreUpkeep {
  readonly #connection: RedisConnection;
  readonly #standing: RedisBudgetStanding;

  constructor(options: RedisBudgetStoreOptions) {
    this.#connection = options.connection;
    this.#standing = new RedisBudgetStanding(options.connection);
  }

  standing(): Promise<BudgetStanding> {
    return this.#standing.read();
  }

  join(owner: BudgetOwner, generation: string): Promise<boolean> {
    return this.#standing.join(owner, generation);
  }

  leave(ownerId: string): Promise<void> {
    return this.#standing.leave(ownerId);
  }

  async exchange(account: AccountId, request: ExchangeRequest, terms: ExchangeTerms): Promise<StoreReply> {
    const { generation, maxAccounts, keepMs } = terms;
    const keys = [this.#accountKey(generation, account)];
    const answer = await this.#connection.script(ACCOUNT_SCRIPTS.exchange, keys, ...exchangeArguments(request, keepMs));
    const parsed = parseExchangeReply(answer);
    if (parsed.kind === 'absent') {
      const making = await this.#make({ account, generation, maxAccounts, keepMs });
      return { kind: making === 'made' ? 'created' : making };
    }
    if (parsed.isExpirySoon) await this.#keepLonger(account, generation, keepMs);
    return parsed.reply;
  }

  async fold(account: AccountId, ownerId: string, totals: BucketAmounts, terms: FoldTerms): Promise<void> {
    const { generation, nowMs, keepMs } = terms;
    const keys = [this.#accountKey(generation, account)];
    const args = [ownerText(ownerId), amountsText(totals), nowMs];
    await this.#onAccount({ account, generation, maxAccounts: undefined, keepMs }, () =>
      this.#connection.script(ACCOUNT_SCRIPTS.fold, keys, ...args),
    );
  }

  async begin(
    generation: string,
    definitions: readonly string[],
    current: string | undefined,
    patienceMs: number,
  ): Promise<boolean> {
    const registers = definitions.map((definition) => this.#registerKey(generation, definition));
    // Before anybody can know of the generation: a register that is missing later was lost.
    await Promise.all(registers.map((key) => this.#connection.script(REGISTER_SCRIPTS.open, [key])));
    const outcome = await this.#standing.begin(generation, definitions, current, patienceMs);
    if (outcome === 'begun') await this.#deleteDoomed();
    if (outcome === 'other') await this.#unlink(registers);
    return outcome === 'begun';
  }

  async install(
    generation: string,
    bases: ReadonlyMap<AccountId, BucketAmounts>,
    keepMsOf: (account: AccountId) => number | undefined = () => undefined,
  ): Promise<void> {
    if ((await this.#standing.definitionsIn(generation)) === undefined) return;
    await inBatches([...bases], async ([account, base]) => {
      const keys = [this.#accountKey(generation, account)];
      await this.#onAccount({ account, generation, maxAccounts: undefined, keepMs: keepMsOf(account) }, () =>
        this.#connection.script(ACCOUNT_SCRIPTS.install, keys, amountsText(base)),
      );
    });
  }

  async finish(generation: string, counted?: readonly string[]): Promise<boolean> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each try depends on the one before
      const outcome = await this.#standing.finish(generation, counted);
      if (outcome !== 'doomed') return outcome === 'done';
      // oxlint-disable-next-line no-await-in-loop -- see above
      await this.#deleteDoomed();
    }
    throw new FarthingError('store-unavailable', 'accounts of earlier generations come back', { retryable: true });
  }

  async adjust(
    account: AccountId,
    _adjustmentId: string,
    amounts: BucketAmounts,
    { generation }: Pick<FoldTerms, 'generation'>,
  ): Promise<boolean> {
    const keys = [this.#accountKey(generation, account)];
    return this.#onAccount({ account, generation, maxAccounts: undefined, keepMs: undefined }, () =>
      this.#connection.script(ACCOUNT_SCRIPTS.adjust, keys, amountsText(amounts)),
    );
  }

  async *accounts(): AsyncGenerator<readonly [AccountId, AccountState]> {
    const { generation, definitions } = await this.#standing.read();
    if (generation === undefined) return;
    for (const definition of definitions) yield* this.#states(generation, definition);
  }

  async close(): Promise<void> {
    // The connection belongs to whoever opened it.
  }

  /** Carries out an operation on an account, which is made when it is not there. False, and nothing is done, when it cannot be. */
  async #onAccount(account: NewAccount, operate: () => Promise<unknown>): Promise<boolean> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each try depends on the one before
      const outcome = await operate();
      if (outcome !== 'absent') return outcome === 'done';
      // oxlint-disable-next-line no-await-in-loop -- see above
      if ((await this.#make(account)) !== 'made') return false;
    }
    throw new FarthingError('store-unavailable', 'an account vanishes as soon as it is made', { retryable: true });
  }

  /**
   * Makes an account in steps that may stop anywhere: made but giving no money, registered, giving money. The generation is looked at first;
   * one that begins after that is met by the caller, who looks at the standing before he asks again.
   */
  async #make({ account, generation, maxAccounts, keepMs }: NewAccount): Promise<Making> {
    const definitions = await this.#standing.definitionsIn(generation);
    if (definitions === undefined) return 'stale';
    const keys = [this.#accountKey(generation, account)];
    const { definition, field } = partsOf(account);
    const lifeMs = keepMs === undefined ? '' : keepMs + AFTERLIFE_MS;
    const birth = String(await this.#connection.script(ACCOUNT_SCRIPTS.create, keys, lifeMs));
    if (birth === 'lost') return 'lost';
    const answer = await this.#connection.script(
      REGISTER_SCRIPTS.register,
      [this.#registerKey(generation, definition)],
      field,
      birth,
      maxAccounts ?? '',
      keepMs ?? '',
      definitions.includes(definition) ? '1' : '0',
    );
    const [outcome, reborn] = (answer as readonly unknown[]).map(String);
    if (outcome === 'full') {
      await this.#connection.script(ACCOUNT_SCRIPTS.abandon, keys, birth);
      return 'full';
    }
    if (outcome !== 'done') return 'lost';
    await this.#connection.script(ACCOUNT_SCRIPTS.enliven, keys, birth, reborn ?? '0', lifeMs);
    return 'made';
  }

  /** The register first: it must not say that an account has expired which is still there. */
  async #keepLonger(account: AccountId, generation: string, keepMs: number | undefined): Promise<void> {
    const { definition, field } = partsOf(account);
    const register = this.#registerKey(generation, definition);
    const key = this.#accountKey(generation, account);
    await this.#connection.script(REGISTER_SCRIPTS.extend, [register], field, keepMs ?? '');
    if (keepMs === undefined) await this.#connection.command('PERSIST', key);
    else await this.#connection.command('PEXPIRE', key, keepMs + AFTERLIFE_MS);
  }

  async *#states(generation: string, definition: string): AsyncGenerator<readonly [AccountId, AccountState]> {
    for await (const accounts of this.#registered(generation, definition)) {
      const read = accounts.map(async (account) => [account, await this.#read(generation, account)] as const);
      for (const [account, state] of await Promise.all(read)) if (state !== undefined) yield [account, state];
    }
  }

  async #read(generation: string, account: AccountId): Promise<AccountState | undefined> {
    const key = this.#accountKey(generation, account);
    return accountOfFields(fieldsOf(await this.#connection.command('HGETALL', key)));
  }

  async *#registered(generation: string, definition: string): AsyncGenerator<readonly AccountId[]> {
    const key = this.#registerKey(generation, definition);
    const seen = new Set<string>();
    let cursor = '0';
    do {
      // oxlint-disable-next-line no-await-in-loop -- a scan goes step by step
      const answer = await this.#connection.command('HSCAN', key, cursor, 'COUNT', BATCH);
      const [next, flat] = answer as readonly [unknown, unknown];
      cursor = String(next);
      const fields = [...fieldsOf(flat).keys()].filter((field) => field !== '' && !seen.has(field));
      for (const field of fields) seen.add(field);
      yield fields.map((field) => `${definition}${field}` as AccountId);
    } while (cursor !== '0');
  }

  /** Deletes the accounts of earlier generations: whoever still uses them finds them gone, and looks at the standing. */
  async #deleteDoomed(): Promise<void> {
    const deletions = (await this.#standing.doomed()).map(async (doomed) => {
      await Promise.all(doomed.definitions.map((definition) => this.#deleteAccounts(doomed.generation, definition)));
      await this.#standing.deleted(doomed);
    });
    await Promise.all(deletions);
  }

  async #deleteAccounts(generation: string, definition: string): Promise<void> {
    for await (const accounts of this.#registered(generation, definition)) {
      await this.#unlink(accounts.map((account) => this.#accountKey(generation, account)));
    }
    await this.#unlink([this.#registerKey(generation, definition)]);
  }

  /** One by one: in a cluster they lie in different slots. */
  async #unlink(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#connection.command('UNLINK', key)));
  }

  #accountKey(generation: string, account: AccountId): string {
    return `${this.#connection.keyPrefix}b:{${encodeURIComponent(generation)}:${account}}`;
  }

  #registerKey(generation: string, definition: string): string {
    return `${this.#connection.keyPrefix}bd:{${encodeURIComponent(generation)}:${definition}}`;
  }
}

/** The definition, and the rest as it stands in the register: with its bar, so that it is never empty. */
function partsOf(account: AccountId): { readonly definition: string; readonly field: string } {
  const bar = account.lastIndexOf('|');
  return { definition: account.slice(0, bar), field: account.slice(bar) };
}

async function inBatches<T>(items: readonly T[], operate: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += BATCH) {
    // oxlint-disable-next-line no-await-in-loop -- so that no more than a batch is under way
    await Promise.all(items.slice(start, start + BATCH).map(operate));
  }
}
