import type { FastifyInstance, FastifyRequest } from 'fastify';
import { budgetFields } from '../budget-input.ts';
import { changedBudget } from '../../core/budget/budget-change.ts';
import type { EffectiveBudget } from '../../core/budget/effective-budgets.ts';
import { FarthingError } from '../../core/errors.ts';
import { formatUsd } from '../../core/money.ts';
import { accountJson, budgetJson, listBudgets } from '../../engine/budgets/list-budgets.ts';
import { resetBudget } from '../../engine/budgets/reset-budget.ts';
import { fault, type Fields, fieldsOf, integerField } from '../admin-input.ts';
import type { GatewayContext, OpenedBudgets } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

const ACCESS = { config: { access: 'admin', metering: 'none' } } as const;

const DEFAULT_ACCOUNTS = 20;
/** Most accounts of one budget in an answer, about 150 bytes each. */
const MAX_ACCOUNTS = 1000;
const MAX_VALUE = 256;

type BudgetRequest = FastifyRequest<{ Params: { name: string } }>;

/** Budgets: what they are and have used, set and reset while the gateway runs. @internal */
export function adminBudgetRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get('/admin/v1/budgets', ACCESS, async (request, reply) => {
    const { store, watch } = openedBudgets(context);
    const fields = fieldsOf(request.query, ['name', 'value', 'limit']);
    const name = textField(fields, 'name');
    const limit = integerField(fields, 'limit', 1, MAX_ACCOUNTS) ?? DEFAULT_ACCOUNTS;
    const query = { nowMs: context.clock.nowMs(), limit, value: textField(fields, 'value') };
    const wanted = name === undefined ? watch.current : [effectiveBudget(watch.current, name)];
    const listed = await listBudgets(wanted, store, query);
    const budgets = listed.map(({ figures: { budget, accountCount, accounts }, origin }) =>
      Object.assign(budgetJson(budget, origin), { accountCount, accounts: accounts.map(accountJson) }),
    );
    return jsonReply(reply, { budgets });
  });

  app.put('/admin/v1/budgets/:name', ACCESS, async (request: BudgetRequest, reply) => {
    const { book, watch } = openedBudgets(context);
    const { name } = request.params;
    // What another process has set a moment ago is not taken back by a change of something else.
    await watch.refresh();
    const before = watch.current.find(({ budget }) => budget.name === name)?.budget;
    const budget = changedBudget(name, before, budgetFields(request.body));
    await book.putBudget(budget);
    await watch.refresh();
    context.log.info({ budget: name, limitUsd: formatUsd(budget.limitNanoUsd), mode: budget.mode }, 'budget set');
    return jsonReply(reply, { budget: budgetJson(budget, 'stored') }, before === undefined ? 201 : 200);
  });

  app.delete('/admin/v1/budgets/:name', ACCESS, async (request: BudgetRequest, reply) => {
    const { book, watch } = openedBudgets(context);
    const { name } = request.params;
    const isRemoved = await book.removeBudget(name);
    await watch.refresh();
    const left = watch.current.find(({ budget }) => budget.name === name);
    if (!isRemoved) throw noStoredBudget(left);
    context.log.info({ budget: name }, 'budget removed');
    return jsonReply(reply, { budget: left === undefined ? null : budgetJson(left.budget, left.origin) });
  });

  app.post('/admin/v1/budgets/:name/reset', ACCESS, async (request: BudgetRequest, reply) => {
    const { book, store, watch } = openedBudgets(context);
    const fields = fieldsOf(request.body ?? {}, ['value']);
    const { budget } = effectiveBudget(watch.current, request.params.name);
    const options = { store, book, clock: context.clock, random: context.random };
    const { clearedNanoUsd } = await resetBudget(options, budget, textField(fields, 'value'));
    context.log.info({ budget: budget.name, clearedUsd: formatUsd(clearedNanoUsd) }, 'budget reset');
    return jsonReply(reply, { clearedUsd: formatUsd(clearedNanoUsd) });
  });
}

function openedBudgets({ budgets }: GatewayContext): OpenedBudgets {
  if (budgets !== undefined) return budgets;
  throw new FarthingError('not-found', 'this gateway counts no budgets');
}

function effectiveBudget(current: readonly EffectiveBudget[], name: string): EffectiveBudget {
  const found = current.find(({ budget }) => budget.name === name);
  if (found === undefined) throw new FarthingError('not-found', 'there is no budget of that name');
  return found;
}

function noStoredBudget(left: EffectiveBudget | undefined): FarthingError {
  const message =
    left === undefined ? 'there is no budget of that name' : 'this budget stands in the configuration: remove it there';
  return new FarthingError('not-found', message);
}

function textField(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > MAX_VALUE || /\p{Cs}/u.test(value)) {
    throw fault(field, `must be text of at most ${MAX_VALUE} characters`);
  }
  return value;
}
