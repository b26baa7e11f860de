import * as z from 'zod';
import type { Budget, BudgetWindow } from '../core/budget/budget.ts';
import { isBudgetName, readAlertRatio, readScope, readTimezone } from '../core/budget/budget-text.ts';
import type { AlertsConfig } from './config.ts';
import { leaf, oneOf, positiveDuration, section, usd } from './schema-leaves.ts';
import { signingSecret, webAddress } from './schema-webhook.ts';

const name = leaf(
  (text) => (isBudgetName(text) ? text : undefined),
  'must have 1 to 128 characters, none of them "|" or a line break',
  { description: 'Its name; no other budget has it.', unit: 'text', json: { type: 'string' } },
);

const scope = leaf(
  readScope,
  'is not a scope; write all, project, project:NAME, key, key:ID, model, model:PROVIDER/MODEL or tag:NAME',
  {
    description:
      'Whose spending counts: `all`; `project`, `key` or `model` (one account each); `project:NAME`, `key:ID`, `model:PROVIDER/MODEL`; or `tag:NAME` (one for each value).',
    unit: 'scope',
    json: { type: 'string', pattern: String.raw`^((all|(project|key|model)(:.+)?|tag:.+)|.*\$\{.*)$` },
  },
);

const calendarWindow: z.ZodType<BudgetWindow> = oneOf(
  "A calendar window in the budget's time zone, or `total` for ever.",
  ['hour', 'day', 'week', 'month', 'total'],
).transform((unit): BudgetWindow => (unit === 'total' ? { kind: 'total' } : { kind: 'calendar', unit }));

const rollingWindow: z.ZodType<BudgetWindow> = section('A rolling window.', {
  rolling: positiveDuration('The length of a window that ends now.'),
}).transform((read) => ({ kind: 'rolling' as const, lengthMs: read.rolling }));

const timezone = leaf(readTimezone, 'is not a time zone; write UTC or Europe/Berlin', {
  description: 'Where the day begins, as an IANA name.',
  unit: 'time zone',
  json: { type: 'string' },
});

const alertRatio = leaf(readAlertRatio, 'is not a share of the limit above 0 and up to 10; write 0.8', {
  description: 'A share of the limit; above 1 for soft budgets.',
  unit: 'share, above 0 to 10',
  json: {
    type: undefined,
    anyOf: [
      { type: 'number', exclusiveMinimum: 0, maximum: 10 },
      { type: 'string', pattern: String.raw`\$\{` },
    ],
  },
});

const budgetSection: z.ZodType<Budget> = section('A budget.', {
  name,
  scope,
  limitUsd: usd('How much may be spent in the window.'),
  window: z
    .union([calendarWindow, rollingWindow])
    .meta({ description: '`hour`, `day`, `week`, `month`, `total`, or `{ rolling: 24h }`.' }),
  timezone,
  mode: oneOf('`hard` refuses what would exceed it, `soft` only alerts.', ['hard', 'soft']),
  alertAt: z
    .array(alertRatio)
    .meta({ description: 'Shares of the limit at which an alert goes out, once a window each.' })
    .optional(),
  onLowBudget: oneOf('What a call gets that no longer fits: `refuse`, or `lower` its output limit.', [
    'refuse',
    'lower',
  ]),
}).transform((read) => ({
  name: read.name,
  scope: read.scope,
  limitNanoUsd: read.limitUsd,
  window: read.window,
  timezone: read.timezone,
  mode: read.mode,
  alertAtRatios: read.alertAt ?? [],
  onLowBudget: read.onLowBudget,
}));

/** `budgets`. @internal */
export const budgetsSchema: z.ZodType<readonly Budget[]> = z
  .array(budgetSection)
  .meta({ description: 'Budgets; a call must fit into each that counts it.' });

const webhookSection = section('Where each alert is posted, signed.', {
  url: webAddress('The address; redirects are not followed.'),
  secret: signingSecret(),
});

/** `alerts`. @internal */
export const alertsSchema: z.ZodType<AlertsConfig> = section(
  'Where alerts of budgets go beside the log and the metrics.',
  {
    webhook: webhookSection.optional(),
  },
).transform(({ webhook }) => ({ webhook }));
