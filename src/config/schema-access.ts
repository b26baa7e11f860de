import * as z from 'zod';
import type { CallLimits } from '../core/limit/call-limits.ts';
import type { CallPriority } from '../core/model/call-priority.ts';
import type { CallLogConfig, KeyConfig, PassThroughConfig, ProjectConfig } from './config.ts';
import { credential, duration, flag, leaf, line, moment, oneOf, section, size, wholeNumber } from './schema-leaves.ts';

/** As tags come with calls: lower case, no commas or spaces. */
const TAG_NAME = /^[a-z][a-z0-9_.-]{0,127}$/;

const tagName = leaf(
  (text) => (TAG_NAME.test(text) ? text : undefined),
  'is not the name of a tag; write it in lower case',
  {
    description: 'The name of a tag.',
    unit: 'text',
    json: { type: 'string' },
  },
);

/** More than any provider sells; a debt in such a bucket still fits into a number. */
const MOST_A_MINUTE = 1_000_000_000;

function limitsOf(whose: string): z.ZodType<CallLimits> {
  return section(`How much ${whose} may ask for. Answers from the cache and shared answers count in none of these.`, {
    concurrent: wholeNumber('Calls at a time; more get 429. Left out: any.', 1, MOST_A_MINUTE).optional(),
    requestsPerMinute: wholeNumber(
      'Calls a minute; as many at once after a quiet minute. Left out: any.',
      1,
      MOST_A_MINUTE,
    ).optional(),
    tokensPerMinute: wholeNumber(
      'Tokens a minute, in and out: estimated before, corrected after. Left out: any.',
      1,
      MOST_A_MINUTE,
    ).optional(),
  }).transform(({ concurrent, requestsPerMinute, tokensPerMinute }) => ({
    ...(concurrent === undefined ? {} : { maxConcurrent: concurrent }),
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
  }));
}

const keySection: z.ZodType<KeyConfig> = section('A gateway key.', {
  name: line('Its name; no other key has it.', 128),
  project: line('The project that pays.', 128),
  key: credential('The secret that clients send; at least 32 characters when listening beyond loopback.'),
  models: z
    .array(line('A name, plain model or `provider/model`.', 256))
    .meta({ description: 'Models it may ask for. Left out: all.' })
    .optional(),
  pinnedTags: z
    .record(z.string(), line('The value.', 128))
    .meta({ description: 'Tags that every call with the key carries, whatever the call says.' })
    .optional(),
  requiredTags: z.array(tagName).meta({ description: 'Tags without which a call is refused.' }).optional(),
  expires: moment('From when on it is refused. Left out: never.').optional(),
  limits: limitsOf('the key').optional(),
  priority: oneOf<CallPriority>(
    'The most that its calls get when not all can go first: `batch` makes all of them calls of a batch, `interactive` leaves it to their `x-farthing-priority`.',
    ['interactive', 'batch'],
  ),
}).transform((read, context) => {
  for (const name of Object.keys(read.pinnedTags ?? {})) {
    if (!TAG_NAME.test(name)) {
      context.addIssue({
        code: 'custom',
        path: ['pinnedTags', name],
        message: 'is not the name of a tag; write it in lower case',
      });
    }
  }
  return {
    name: read.name,
    project: read.project,
    secret: read.key,
    models: read.models,
    pinnedTags: read.pinnedTags ?? {},
    requiredTags: read.requiredTags ?? [],
    expiresAtMs: read.expires,
    limits: read.limits,
    priority: read.priority,
  };
});

/** `keys`. @internal */
export const keysSchema: z.ZodType<readonly KeyConfig[]> = z
  .array(keySection)
  .meta({ description: 'Gateway keys. More are made with `farthing keys create`.' });

/** `projects`. @internal */
export const projectsSchema: z.ZodType<readonly ProjectConfig[]> = z
  .record(z.string(), section('A project.', { limits: limitsOf('all keys of the project together').optional() }))
  .transform((projects, context) =>
    Object.entries(projects).map(([name, { limits }]) => {
      if (!/^\P{Cc}{1,128}$/u.test(name)) {
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'a project name has 1 to 128 characters and no line breaks',
        });
      }
      return { name, limits };
    }),
  )
  .meta({ description: 'Projects that have limits, by name. Others need not be listed.' });

/** `admin`. @internal */
export const adminSchema: z.ZodType<string | undefined> = section('The admin API.', {
  key: credential(
    'Its key, distinct from all others; at least 32 characters when listening beyond loopback. Empty: no admin API.',
  ),
}).transform((read) => (read.key === '' ? undefined : read.key));

/** `allowedHosts`. @internal */
export const allowedHostsSchema: z.ZodType<readonly string[]> = z
  .array(
    leaf(
      (text) => (/^[A-Za-z0-9.:-]{1,253}$/.test(text) ? text.toLowerCase() : undefined),
      'is not a host name; write it without port and path',
      {
        description: 'A host name without port.',
        unit: 'host name',
        json: { type: 'string' },
      },
    ),
  )
  .meta({ description: "Host names that requests may name beside the one listened on and loopback's." });

/** `passThrough`. @internal */
export const passThroughSchema: z.ZodType<readonly PassThroughConfig[]> = z
  .array(
    section('A path.', {
      path: leaf(
        (text) => (/^\/v1\/[\w.~/-]*\*?$/.test(text) && !text.includes('..') ? text : undefined),
        'is not a path; write /v1/audio/speech or /v1/images/*',
        {
          description: 'Starts with `/v1/`; a `*` at its end stands for anything.',
          unit: 'path',
          json: { type: 'string', pattern: String.raw`^/v1/` },
        },
      ),
      provider: line('Name of the provider that gets it.', 64),
    }),
  )
  .meta({ description: 'Paths that are sent on as they are, any method, counted as unmetered.' });

/** `callLog`. @internal */
export const callLogSchema: z.ZodType<CallLogConfig> = section('The call log. Left out: none is written.', {
  path: line('The folder it is written to.', 4096),
  bodies: flag('Whether requests and replies are kept in full.'),
  maxFileSize: size('A new file is begun past this size.', 1),
  retention: duration('Files older than this are deleted.'),
}).transform((read) => ({
  path: read.path,
  bodies: read.bodies,
  maxFileBytes: read.maxFileSize,
  retentionMs: read.retention,
}));
