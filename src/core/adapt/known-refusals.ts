import type { Endpoint } from '../model/protocol.ts';
import { snapshotBase } from '../price-book.ts';
import type { RefusedParameter } from './refused-parameter.ts';

interface RefusalRow {
  readonly vendors: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly models: readonly string[] | 'all';
  readonly refuses: readonly RefusedParameter[];
}

/** Azure serves OpenAI's models with the same refusals (MicrosoftDocs/azure-ai-docs, how-to/reasoning.md, 2025-08; microsoft/vscode#253673, 2025-07-02). */
const OPENAI = ['openai', 'azure'] as const;

const SAMPLING = ['temperature', 'top_p'] as const;
/** "Only the default (1) value is supported": what is not known to be refused altogether. */
const SAMPLING_UNLESS_1 = ['temperature_unless_1', 'top_p_unless_1'] as const;
const PENALTIES = ['presence_penalty', 'frequency_penalty'] as const;

/** Reasoning models without an effort `none`: they never take sampling parameters. */
const ALWAYS_REASONING = ['o1', 'o3', 'o3-mini', 'o4-mini', 'gpt-5', 'gpt-5-mini', 'gpt-5-nano'] as const;

/** Reasoning models that take `temperature` and `top_p` with effort `none`: which holds of a request is learnt from its refusal. */
const SOMETIMES_REASONING = [
  'gpt-5.1',
  'gpt-5.2',
  'gpt-5.4',
  'gpt-5.4-mini',
  'gpt-5.4-nano',
  'gpt-5.5',
  'gpt-5.6',
  'gpt-5.6-luna',
  'gpt-5.6-sol',
  'gpt-5.6-terra',
  'gpt-6-luna',
  'gpt-6-sol',
] as const;

/** Only what is documented, each row with its source and the day of that. What is not here is learnt when it is refused. */
const ROWS: readonly RefusalRow[] = [
  /**
   * max_tokens: "reasoning models will only work with max_completion_tokens" (MicrosoftDocs/azure-ai-docs, how-to/reasoning.md, 2025-08);
   * teilomillet/gollm#33 (2025-03-12), griptape-ai/ComfyUI-Griptape#312 (GPT-5, 2025-08-22). temperature: cline/cline#341 (2024-09-21),
   * ai-christianson/RA.Aid#70 (2025-02-01). The rest: the table of community.openai.com 1110750/7 (o-series, 2025-02) and `@ai-sdk/openai`
   * 4.0.118 (2026-11).
   */
  {
    vendors: OPENAI,
    endpoints: ['chat'],
    models: [...ALWAYS_REASONING, 'o1-mini', 'o1-preview'],
    refuses: ['max_tokens', ...SAMPLING_UNLESS_1, ...PENALTIES, 'logprobs', 'top_logprobs', 'logit_bias'],
  },
  /** The same on the Responses API; the last four exist only there and have no effort `none` (community.openai.com 1371738, 2025-12). */
  {
    vendors: OPENAI,
    endpoints: ['responses'],
    models: [...ALWAYS_REASONING, 'o1-pro', 'o3-pro', 'gpt-5-pro', 'gpt-5-codex'],
    refuses: SAMPLING_UNLESS_1,
  },
  /** koosoli/ESPHomeDesigner#379 (GPT-5.4, 2026-04-10), anomalyco/opencode#37964 (GPT-5.1, 2026-07-20); the rest by "reasoning models only take max_completion_tokens" above. */
  { vendors: OPENAI, endpoints: ['chat'], models: SOMETIMES_REASONING, refuses: ['max_tokens'] },
  /** `@ai-sdk/openai` 4.0.118 (2026-11): the GPT-6 models that take no sampling parameters with any effort. */
  {
    vendors: OPENAI,
    endpoints: ['chat'],
    models: ['gpt-6-astra', 'gpt-6.1-sol'],
    refuses: ['max_tokens', ...SAMPLING_UNLESS_1],
  },
  { vendors: OPENAI, endpoints: ['responses'], models: ['gpt-6-astra', 'gpt-6.1-sol'], refuses: SAMPLING_UNLESS_1 },
  /** "Model incompatible request arguments supplied": ChatGPTNextWeb/NextChat#6569 (2025-07-16). */
  {
    vendors: OPENAI,
    endpoints: ['chat'],
    models: ['gpt-4o-search-preview', 'gpt-4o-mini-search-preview'],
    refuses: [...SAMPLING, ...PENALTIES],
  },
  /** "Unrecognized request argument supplied: top_k" from api.openai.com: xlinx/sd-webui-decadetw-auto-prompt-llm#29 (2024-10-03). */
  { vendors: OPENAI, endpoints: ['chat'], models: 'all', refuses: ['top_k'] },
  /**
   * platform.claude.com: models/sonnet-5/overview ("setting sampling parameters to a non-default value returns a 400 error") and
   * models/haiku-5-5/migration-guide ("remove temperature, top_p and top_k"), both read 2026-11; for the others `@ai-sdk/anthropic` 4.0.105
   * (2026-11) and pollinations/pollinations#11319 (Opus 4.7, 2026-05-27).
   */
  {
    vendors: ['anthropic'],
    endpoints: ['messages'],
    models: [
      'claude-opus-4-7',
      'claude-opus-4-8',
      'claude-opus-5',
      'claude-opus-5-5',
      'claude-sonnet-5',
      'claude-sonnet-5-5',
      'claude-haiku-5-5',
      'claude-fable-5',
      'claude-fable-5-1',
    ],
    refuses: [...SAMPLING_UNLESS_1, 'top_k'],
  },
  /** open-webui/functions#9 (Opus 4.1 and the 4.5 models, 2025-10-07), anomalyco/opencode#28930 (Sonnet 4.6, 2026-05-23). */
  {
    vendors: ['anthropic'],
    endpoints: ['messages'],
    models: ['claude-opus-4-1', 'claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5', 'claude-sonnet-4-6'],
    refuses: ['top_p_beside_temperature'],
  },
  /** 422 `extra_forbidden`: editor-code-assistant/eca#231 (2025-12-12). */
  { vendors: ['mistral'], endpoints: ['chat'], models: 'all', refuses: ['max_completion_tokens'] },
  /** console.groq.com/docs/openai, "Currently unsupported OpenAI features" (read 2026-11). */
  { vendors: ['groq'], endpoints: ['chat'], models: 'all', refuses: ['logprobs', 'top_logprobs', 'logit_bias'] },
  /** api-docs.deepseek.com, guides/reasoning_model (read 2026-11): these are an error; temperature and penalties are ignored. */
  {
    vendors: ['deepseek'],
    endpoints: ['chat'],
    models: ['deepseek-reasoner'],
    refuses: ['logprobs', 'top_logprobs'],
  },
  /**
   * "does not support parameter presencePenalty", also for 0: miaoxworld/NativeTavern#83 (2026-09-15), open-webui/open-webui#21266 (2026-02-08),
   * neavo/LinguaGacha#159 (both penalties, 2025-04-20).
   */
  {
    vendors: ['x-ai'],
    endpoints: ['chat'],
    models: [
      'grok-3-mini',
      'grok-4',
      'grok-4-1-fast-reasoning',
      'grok-4.20-0309-non-reasoning',
      'grok-4.3',
      'grok-4.5',
      'grok-4.6',
    ],
    refuses: PENALTIES,
  },
];

const NONE: ReadonlySet<RefusedParameter> = new Set();

/** What a vendor refuses at an endpoint: of each model that has rows of its own, and of all others. */
interface VendorRefusals {
  readonly models: ReadonlyMap<string, ReadonlySet<RefusedParameter>>;
  readonly others: ReadonlySet<RefusedParameter>;
}

let index: ReadonlyMap<string, VendorRefusals> | undefined;

/**
 * The parameters that a vendor's model is known to refuse at an endpoint. A name counts exactly or as a dated snapshot; what only resembles a known
 * name is not known.
 * @param vendor - undefined: nothing is known.
 * @public
 */
export function knownRefusals(
  endpoint: Endpoint,
  vendor: string | undefined,
  model: string,
): ReadonlySet<RefusedParameter> {
  if (vendor === undefined) return NONE;
  index ??= indexed(ROWS);
  const refusals = index.get(`${vendor} ${endpoint}`);
  if (refusals === undefined) return NONE;
  const base = snapshotBase(model);
  const own = refusals.models.get(model) ?? (base === undefined ? undefined : refusals.models.get(base));
  return own ?? refusals.others;
}

function indexed(rows: readonly RefusalRow[]): ReadonlyMap<string, VendorRefusals> {
  const places = new Map<string, RefusalRow[]>();
  for (const row of rows) {
    for (const vendor of row.vendors) {
      for (const endpoint of row.endpoints) {
        const place = `${vendor} ${endpoint}`;
        places.set(place, [...(places.get(place) ?? []), row]);
      }
    }
  }
  return new Map([...places].map(([place, own]) => [place, vendorRefusals(own)]));
}

function vendorRefusals(rows: readonly RefusalRow[]): VendorRefusals {
  const refusedIf = (holds: (models: RefusalRow['models']) => boolean): ReadonlySet<RefusedParameter> =>
    new Set(rows.flatMap(({ models, refuses }) => (holds(models) ? refuses : [])));
  const names = rows.flatMap(({ models }) => (models === 'all' ? [] : models));
  return {
    models: new Map(names.map((name) => [name, refusedIf((models) => models === 'all' || models.includes(name))])),
    others: refusedIf((models) => models === 'all'),
  };
}
