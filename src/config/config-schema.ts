import * as z from 'zod';
import type { Budget } from '../core/budget/budget.ts';
import type { OptimizePolicy } from '../core/optimize-policy.ts';
import type { OperatorPrice } from '../core/price-operator.ts';
import type {
  AlertsConfig,
  BatchConfig,
  CacheConfig,
  CallLogConfig,
  KeyConfig,
  LimitsConfig,
  ListenAddress,
  LogLevel,
  ModelConfig,
  PassThroughConfig,
  ProjectConfig,
  ProviderConfig,
  ResilienceConfig,
  RouteConfig,
  StorageConfig,
} from './config.ts';
import { parseListenAddress } from './listen-address.ts';
import {
  adminSchema,
  allowedHostsSchema,
  callLogSchema,
  keysSchema,
  passThroughSchema,
  projectsSchema,
} from './schema-access.ts';
import { batchSchema } from './schema-batch.ts';
import { alertsSchema, budgetsSchema } from './schema-budgets.ts';
import { cacheSchema, limitsSchema, resilienceSchema } from './schema-calls.ts';
import { leaf, oneOf, section } from './schema-leaves.ts';
import { optimizeSchema } from './schema-optimize.ts';
import { modelsSchema, pricesSchema, providersSchema } from './schema-providers.ts';
import { routesSchema } from './schema-routes.ts';

const versionSchema: z.ZodType<1> = leaf(
  (text) => (text === '1' ? 1 : undefined),
  'is not a version known here; write 1',
  {
    description: 'Version of the format.',
    unit: '`1`',
    json: { type: 'integer', const: 1 },
  },
);

const listenSchema: z.ZodType<ListenAddress> = leaf(
  parseListenAddress,
  'is not an address; write 127.0.0.1:4141 or [::1]:4141',
  {
    description: 'Where the gateway listens; port 0 lets the system choose.',
    unit: 'host:port',
    json: { type: 'string' },
  },
);

const folderSchema: z.ZodType<StorageConfig> = leaf(
  (text): StorageConfig | undefined =>
    text === '' || text.includes('\0') || text.includes('://') ? undefined : { kind: 'folder', path: text },
  'is not a folder; write ./farthing-data or { redis: ..., postgres: ... }',
  { description: 'A folder of this machine.', unit: 'folder', json: { type: 'string' } },
);

function address(description: string, schemes: readonly string[]): z.ZodType<string, string> {
  const [first = ''] = schemes;
  return leaf(
    (text) => (schemes.includes(schemeOf(text) ?? '') ? text : undefined),
    `is not an address; write ${first}//user:password@host`,
    { description, unit: 'address', json: { type: 'string' } },
  );
}

function schemeOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).protocol : undefined;
}

const BOTH = 'is missing: many machines need both, { redis, postgres }; one machine takes a folder';

const servicesSchema: z.ZodType<StorageConfig> = section('Services for many machines; both are needed.', {
  redis: address('Address of Redis: counters of budgets and limits, the shared cache.', [
    'redis:',
    'rediss:',
  ]).optional(),
  postgres: address('Address of Postgres: the ledger, keys and budgets.', ['postgres:', 'postgresql:']).optional(),
})
  .meta({ required: ['redis', 'postgres'] })
  .transform(({ redis, postgres }, context): StorageConfig => {
    if (redis === undefined) context.addIssue({ code: 'custom', path: ['redis'], message: BOTH });
    if (postgres === undefined) context.addIssue({ code: 'custom', path: ['postgres'], message: BOTH });
    return { kind: 'services', redisUrl: redis ?? '', postgresUrl: postgres ?? '' };
  });

const logSchema: z.ZodType<LogLevel> = section("The gateway's own log.", {
  level: oneOf('How much it says.', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
}).transform((read) => read.level);

/** What each part of the file is read as. Undefined: not written and without a default. @internal */
export interface FileSections {
  readonly version: 1;
  readonly listen: ListenAddress;
  readonly auth: 'required' | 'none';
  readonly storage: StorageConfig;
  readonly providers: readonly ProviderConfig[];
  readonly prices: Readonly<Record<string, OperatorPrice>> | undefined;
  readonly models: readonly ModelConfig[] | undefined;
  readonly routes: readonly RouteConfig[] | undefined;
  readonly cache: CacheConfig;
  readonly budgets: readonly Budget[] | undefined;
  readonly alerts: AlertsConfig | undefined;
  readonly limits: LimitsConfig;
  readonly resilience: ResilienceConfig;
  readonly optimize: OptimizePolicy;
  readonly batch: BatchConfig;
  readonly keys: readonly KeyConfig[] | undefined;
  readonly projects: readonly ProjectConfig[] | undefined;
  readonly admin: string | undefined;
  readonly allowedHosts: readonly string[] | undefined;
  readonly passThrough: readonly PassThroughConfig[] | undefined;
  readonly callLog: CallLogConfig | undefined;
  readonly log: LogLevel;
}

/**
 * The schema of each part of the file. Parts are checked one by one, so that the faults of one do not hide those of another.
 * @internal
 */
export const SECTION_SCHEMAS: { readonly [Name in keyof FileSections]: z.ZodType<FileSections[Name]> } = {
  version: versionSchema,
  listen: listenSchema,
  auth: oneOf('Whether calls need a key. `none` only on loopback: every call is one of project `default`.', [
    'required',
    'none',
  ]),
  storage: z.union([folderSchema, servicesSchema]).meta({
    description: 'Where data is kept: a folder, or `{ redis, postgres }` for many machines.',
  }),
  providers: providersSchema,
  prices: pricesSchema.optional(),
  models: modelsSchema.optional(),
  routes: routesSchema.optional(),
  cache: cacheSchema,
  budgets: budgetsSchema.optional(),
  alerts: alertsSchema.optional(),
  limits: limitsSchema,
  resilience: resilienceSchema,
  optimize: optimizeSchema,
  batch: batchSchema,
  keys: keysSchema.optional(),
  projects: projectsSchema.optional(),
  admin: adminSchema,
  allowedHosts: allowedHostsSchema.optional(),
  passThrough: passThroughSchema.optional(),
  callLog: callLogSchema.optional(),
  log: logSchema,
};
