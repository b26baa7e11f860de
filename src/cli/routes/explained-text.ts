import { formatTarget } from '../../core/model/target.ts';
import { formatUsd, type NanoUsd } from '../../core/money.ts';
import type { RouteMismatch } from '../../core/route/explain-route.ts';
import { plainTable } from '../plain-table.ts';
import { shortUsd } from '../short-usd.ts';
import { type ExplainedRoute, REASONS } from './explained-route.ts';

const UNKNOWN = '-';

const CONDITIONS: Readonly<Record<RouteMismatch['condition'], string>> = {
  models: 'model',
  tags: 'tags',
  endpoints: 'endpoint',
  tools: 'tools',
  schema: 'schema',
  minInputTokens: 'tokens',
  maxInputTokens: 'tokens',
  languages: 'language',
};

const VERDICTS = { taken: 'takes it', passed: 'no', behind: 'would, too' } as const;

const ROLES = { first: 'asked first', next: 'asked next', route: 'of the route', baseline: 'baseline' } as const;

/** What `farthing routes explain` prints. @internal */
export function explainedText(explained: ExplainedRoute): string {
  const { rules, facts, targets, isCascade, baseline, notes } = explained;
  const [first] = targets;
  const ruleRows = rules.map(({ rule, verdict, mismatches }) => [rule.name, VERDICTS[verdict], whyNot(mismatches)]);
  const why =
    facts === undefined
      ? 'no route takes it: it goes to the model that it asks for'
      : `${REASONS[facts.reason]}${scored(explained)}`;
  return [
    callText(explained),
    '',
    rules.length === 0 ? 'The configuration has no routes.' : plainTable(['route', 'takes it', 'why not'], ruleRows),
    '',
    `goes to   ${first === undefined ? UNKNOWN : formatTarget(first)}${facts === undefined || facts.route === '' ? '' : ` by route ${facts.route}, version ${facts.policyVersion}`}`,
    `because   ${why}`,
    ...(targets.length < 2
      ? []
      : [
          `then      ${targets.slice(1).map(formatTarget).join(', ')} ${isCascade ? '(where the answer will not do, or fails)' : '(where it fails)'}`,
        ]),
    `baseline  ${formatTarget(baseline)}`,
    '',
    costTable(explained),
    ...notes.map((note) => `note: ${note}`),
  ].join('\n');
}

function callText({ call, asked }: ExplainedRoute): string {
  const tools = call.toolNames();
  const language = call.language();
  const tags = Object.entries(call.tags).map(([name, value]) => `${name}=${value}`);
  const parts = [
    `${call.endpoint} for ${asked}`,
    `about ${call.inputTokens() ?? 0} tokens`,
    tools.length === 0 ? 'no tools' : `tools ${tools.slice(0, 5).join(', ')}${tools.length > 5 ? ' ...' : ''}`,
    call.hasSchema ? 'a schema' : 'no schema',
    tags.length === 0 ? 'no tags' : `tags ${tags.join(', ')}`,
    ...(language === undefined ? [] : [`language ${language}`]),
  ];
  return parts.join('; ');
}

function whyNot(mismatches: readonly RouteMismatch[]): string {
  return mismatches
    .map(({ condition, wanted, actual }) => `${CONDITIONS[condition]}: wants ${wanted}, has ${actual}`)
    .join('; ');
}

function scored({ facts }: ExplainedRoute): string {
  if (facts?.score === undefined) return '';
  const bound = facts.threshold === undefined ? '' : `, up to ${facts.threshold.toFixed(3)} goes to the cheap target`;
  return ` (${facts.score.toFixed(3)}${bound})`;
}

function costTable({ costs }: ExplainedRoute): string {
  const rows = costs.map(({ target, role, inputTokens, inputNanoUsd, outputNanoUsd }) => [
    formatTarget(target),
    ROLES[role],
    inputTokens === undefined ? UNKNOWN : String(inputTokens),
    dollars(inputNanoUsd),
    dollars(outputNanoUsd),
  ]);
  return plainTable(['target', '', 'input tokens', 'input $', '1,000 output $'], rows, {
    align: ['left', 'left', 'right', 'right', 'right'],
  });
}

function dollars(amount: NanoUsd | undefined): string {
  return amount === undefined ? UNKNOWN : shortUsd(amount);
}

/** The same as JSON. @internal */
export function explainedJson(explained: ExplainedRoute): string {
  const { call, asked, rules, facts, targets, isCascade, baseline, costs, notes } = explained;
  const { endpoint, tags, hasSchema } = call;
  const inputTokens = call.inputTokens() ?? null;
  return JSON.stringify(
    {
      call: {
        endpoint,
        model: asked,
        tags,
        tools: call.toolNames(),
        hasSchema,
        inputTokens,
        language: call.language() ?? null,
      },
      rules: rules.map(({ rule, verdict, mismatches }) => ({ route: rule.name, verdict, mismatches })),
      route: facts ?? null,
      targets: targets.map(formatTarget),
      isCascade,
      baseline: formatTarget(baseline),
      costs: costs.map((cost) => ({
        target: formatTarget(cost.target),
        role: cost.role,
        inputTokens: cost.inputTokens ?? null,
        inputUsd: usd(cost.inputNanoUsd),
        usdPer1000OutputTokens: usd(cost.outputNanoUsd),
      })),
      notes,
    },
    undefined,
    2,
  );
}

function usd(amount: NanoUsd | undefined): string | null {
  return amount === undefined ? null : formatUsd(amount);
}
