import * as z from 'zod';
import { ENDPOINTS, type Endpoint } from '../core/model/protocol.ts';
import type { Target } from '../core/model/target.ts';
import type { RouteMatch } from '../core/route/route-rule.ts';
import type { RouteConfig } from './config.ts';
import { checksSchema } from './schema-checks.ts';
import { flag, leaf, line, oneOf, section, wholeNumber } from './schema-leaves.ts';
import { qualitySchema } from './schema-quality.ts';
import { targetSchema } from './schema-providers.ts';

const ROUTE_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** One value or a list of them. */
function oneOrMore<Value>(one: z.ZodType<Value, string>): z.ZodType<readonly Value[]> {
  return z.union([one.transform((value): readonly Value[] => [value]), z.array(one).min(1, 'needs at least one')]);
}

const modelPattern = leaf(
  (text) => (/^[\x21-\x7e]{1,256}$/.test(text) && !text.slice(0, -1).includes('*') ? text : undefined),
  'is not a model name; a * may stand at its end only',
  { description: 'A model as callers ask for it; `*` at its end: anything.', unit: 'text', json: { type: 'string' } },
);

const language = leaf((text) => (/^[a-z]{2}$/.test(text) ? text : undefined), 'is not a language; write en, de or zh', {
  description: 'A language (ISO 639-1).',
  unit: 'two letters',
  json: { type: 'string', pattern: '^[a-z]{2}$' },
});

const tagValue = line('A value of the tag; `*`: any.', 256);

const matchSection: z.ZodType<RouteMatch> = section(
  'Which calls it takes; all that is written must hold. Left out: all calls.',
  {
    model: oneOrMore(modelPattern).optional(),
    tags: z.record(z.string(), oneOrMore(tagValue)).meta({ description: 'Values by tag.' }).optional(),
    endpoint: oneOrMore(oneOf('What is asked for.', Object.keys(ENDPOINTS) as Endpoint[])).optional(),
    tools: z
      .union([
        flag('Whether tools are offered.'),
        z.array(line('A tool, one of which is offered.', 128)).min(1, 'needs at least one'),
      ])
      .optional(),
    schema: flag('Whether the answer must have a JSON Schema.').optional(),
    tokens: section('Estimated input tokens.', {
      min: wholeNumber('At least so many.', 0, 100_000_000).optional(),
      max: wholeNumber('At most so many.', 0, 100_000_000).optional(),
    }).optional(),
    language: oneOrMore(language)
      .optional()
      .meta({ description: "Of the user's latest text; needs the package `eld`." }),
  },
).transform(({ model, tags, endpoint, tools, schema, tokens, language: languages }, context) => {
  if (tokens?.min !== undefined && tokens.max !== undefined && tokens.min > tokens.max) {
    context.addIssue({ code: 'custom', path: ['tokens', 'max'], message: 'is below min' });
  }
  return withoutUndefined({
    models: model,
    tags,
    endpoints: endpoint,
    tools,
    schema,
    minInputTokens: tokens?.min,
    maxInputTokens: tokens?.max,
    languages,
  });
});

function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>;
  };
}

const cascadeSection = section(
  'Asks a cheap target first, checks what it says, and asks a better one where that will not do.',
  {
    from: targetSchema,
    to: z.union([
      targetSchema.transform((to): readonly Target[] => [to]),
      z.array(targetSchema).min(1, 'needs at least one target'),
    ]),
    verify: checksSchema,
  },
);

const threshold = leaf(readThreshold, 'is not a number from -1 to 1', {
  description:
    'Calls with a score up to this go to the cheap target. Left out: what was certified when the score was trained.',
  unit: 'number, -1 to 1',
  json: { anyOf: [{ type: 'number', minimum: -1, maximum: 1 }, { type: 'string' }] },
});

function readThreshold(text: string): number | undefined {
  const value = /^-?[01](\.\d{1,12})?$/.test(text) ? Number(text) : 2;
  return Math.abs(value) <= 1 ? value : undefined;
}

const routeSection = section('A route.', {
  name: leaf(
    (text) => (ROUTE_NAME.test(text) && text !== 'off' ? text : undefined),
    'is not a name; 1 to 64 letters, digits, dots, dashes or underscores, and not off',
    {
      description: 'Its name, for `x-farthing-route` and reports.',
      unit: 'text',
      json: { type: 'string' },
    },
  ),
  match: matchSection.optional(),
  targets: z
    .array(targetSchema)
    .min(1, 'needs at least one target')
    .meta({
      description:
        'What may answer, in order of price; the last is the strong one. Without `quality` and `score` the first answers.',
    })
    .optional(),
  cascade: cascadeSection.optional(),
  fallback: z.array(targetSchema).optional().meta({ description: 'Asked when all targets have failed.' }),
  quality: qualitySchema.optional(),
  score: section('A learnt score, as `farthing routes train` writes it, chooses between two targets.', {
    file: line('The file that `farthing routes train` wrote.', 4096),
    threshold: threshold.optional(),
  }).optional(),
  sticky: flag('Whether a conversation stays at its target while moving would cost more than it saves.'),
});

/** Routes with a cascade, a score or quality to keep take no call of these. */
const PLAIN_ENDPOINTS: ReadonlySet<Endpoint> = new Set(['embeddings', 'count-tokens']);

const NEEDS_ONE = 'needs targets or cascade, one of them';

/** `routes`. @internal */
export const routesSchema: z.ZodType<readonly RouteConfig[]> = z
  .array(routeSection)
  .transform((routes, context) =>
    routes.map((read, index): RouteConfig => {
      const fault = (name: string, message: string): void => {
        context.addIssue({ code: 'custom', path: [index, name], message });
      };
      const { targets, cascade, score, quality } = read;
      if ((targets === undefined) === (cascade === undefined)) fault('name', NEEDS_ONE);
      const all = cascade === undefined ? (targets ?? []) : [cascade.from, ...cascade.to];
      if (score !== undefined && (cascade !== undefined || all.length !== 2))
        fault('score', 'needs two targets, the cheap one first');
      if (quality !== undefined && all.length < 2)
        fault('quality', 'needs two targets at least: quality is held against the last one');
      const isPlain = cascade === undefined && score === undefined && quality === undefined;
      if (!isPlain && read.match?.endpoints?.every((endpoint) => PLAIN_ENDPOINTS.has(endpoint)) === true)
        fault(
          'match',
          'names endpoints only that have no answers to check: cascade, score and quality are not for them',
        );
      return {
        name: read.name,
        match: read.match ?? {},
        targets: all as unknown as RouteConfig['targets'],
        fallbacks: read.fallback ?? [],
        cascade: cascade && { verify: cascade.verify },
        quality,
        score: score && { path: score.file, threshold: score.threshold },
        sticky: read.sticky,
      };
    }),
  )
  .meta({ description: 'Rules that pick targets, the first that matches wins.' });
