/**
 * What providers keep for their callers. A kind is the path of its collection below `/v1`; `items` are the parts of stored responses, which
 * have no collection of their own.
 * @public
 */
export const RESOURCE_KINDS = [
  'files',
  'batches',
  'messages/batches',
  'responses',
  'items',
  'conversations',
  'containers',
  'vector_stores',
  'uploads',
  'fine_tuning/jobs',
  'fine_tuning/checkpoints',
  'chat/completions',
  'evals',
  'videos',
  'skills',
  'assistants',
  'threads',
  'chatkit/sessions',
  'chatkit/threads',
  'audio/voices',
  'audio/voice_consents',
  'agents',
  'agents/sessions',
  'agents/environments',
  'agents/automations',
  'sessions',
  'environments',
  'deployments',
  'deployment_runs',
  'dreams',
  'memory_stores',
  'vaults',
  'tunnels',
  'user_profiles',
  'webhook_endpoints',
  'models',
] as const;

/** One of {@link RESOURCE_KINDS}. @public */
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** Whose something is that a provider keeps. @public */
export interface ResourceClaim {
  /** The provider's id. Unique at one provider; another may give the same. */
  readonly id: string;
  readonly provider: string;
  readonly kind: ResourceKind;
  readonly project: string;
  /** When it was claimed, in Unix milliseconds. */
  readonly atMs: number;
}

/** Kinds that come with nearly every call and that providers drop by themselves: they may be forgotten after {@link RESOURCE_LIFE_MS}. @public */
export const PASSING_RESOURCES: readonly ResourceKind[] = ['responses', 'items', 'containers'];

/** For how long passing resources are remembered, in milliseconds: 60 days, twice as long as OpenAI stores a response. @public */
export const RESOURCE_LIFE_MS: number = 60 * 24 * 3_600_000;
