import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { FarthingError } from '../../core/errors.ts';
import { type IssuedKey, issueKey, type KeyEntropy, limitKey, revokeKey, rotateKey } from '../../core/gateway-key.ts';
import type { KeyRecord } from '../../ports/key-store.ts';
import {
  fieldsOf,
  fault,
  integerField,
  limitsField,
  modelsField,
  momentField,
  priorityField,
  requiredName,
  nameField,
  tagNamesField,
  tagsField,
} from '../admin-input.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

const ACCESS = { config: { access: 'admin', metering: 'none' } } as const;
const KEY_FIELDS = [
  'name',
  'project',
  'expiresAt',
  'allowedModels',
  'pinnedTags',
  'requiredTags',
  'limits',
  'priority',
];

/** Longest time for which an old secret works beside its successor: 30 days, in milliseconds. */
const MAX_GRACE_MS = 30 * 24 * 3_600_000;

type KeyRequest = FastifyRequest<{ Params: { id: string } }>;

/** Keys of the store; those of the configuration are changed there. A secret is shown once, when it is made. @internal */
export function adminKeyRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { keys, clock } = context;

  app.get('/admin/v1/keys', ACCESS, async (_request, reply) => {
    const records = await keys.list();
    return jsonReply(reply, { keys: records.map(visible) });
  });

  app.post('/admin/v1/keys', ACCESS, async (request, reply) => {
    const fields = fieldsOf(request.body, KEY_FIELDS);
    const terms = {
      name: requiredName(fields, 'name'),
      project: nameField(fields, 'project') ?? 'default',
      expiresAtMs: momentField(fields, 'expiresAt'),
      allowedModels: modelsField(fields, 'allowedModels'),
      pinnedTags: tagsField(fields, 'pinnedTags'),
      requiredTags: tagNamesField(fields, 'requiredTags'),
      limits: limitsField(fields, 'limits'),
      priority: priorityField(fields, 'priority'),
    };
    const issued = issueKey(terms, entropy(context), clock.nowMs(), sha256Hex);
    await keys.put(issued.record);
    context.log.info({ keyId: issued.record.keyId, project: terms.project }, 'key created');
    return jsonReply(reply, shown(issued), 201);
  });

  app.patch('/admin/v1/keys/:id', ACCESS, async (request: KeyRequest, reply) => {
    const fields = fieldsOf(request.body, ['limits']);
    if (!Object.hasOwn(fields, 'limits')) throw fault('limits', 'is missing; null takes all limits away');
    const limits = limitsField(fields, 'limits');
    const record = limitKey(await findKey(context, request.params.id), limits);
    await keys.put(record);
    context.log.info({ keyId: record.keyId, limits }, 'key limited');
    return jsonReply(reply, { key: visible(record) });
  });

  app.delete('/admin/v1/keys/:id', ACCESS, async (request: KeyRequest, reply) => {
    const record = revokeKey(await findKey(context, request.params.id), clock.nowMs());
    await keys.put(record);
    context.log.info({ keyId: record.keyId }, 'key revoked');
    return jsonReply(reply, { key: visible(record) });
  });

  app.post('/admin/v1/keys/:id/rotate', ACCESS, async (request: KeyRequest, reply) => {
    const fields = fieldsOf(request.body ?? {}, ['graceMs']);
    const graceMs = integerField(fields, 'graceMs', 0, MAX_GRACE_MS) ?? 0;
    const old = await findKey(context, request.params.id);
    if (old.revokedAtMs !== undefined) throw new FarthingError('invalid-request', 'a revoked key cannot be rotated');
    const { issued, retired } = rotateKey(old, graceMs, entropy(context), clock.nowMs(), sha256Hex);
    await keys.put(issued.record);
    await keys.put(retired);
    context.log.info({ keyId: issued.record.keyId, retired: retired.keyId }, 'key rotated');
    return jsonReply(reply, { ...shown(issued), retired: visible(retired) }, 201);
  });
}

function sha256Hex(text: string): string {
  return hash('sha256', text);
}

async function findKey(context: GatewayContext, keyId: string): Promise<KeyRecord> {
  const records = await context.keys.list();
  const record = records.find((candidate) => candidate.keyId === keyId);
  if (record === undefined) throw new FarthingError('not-found', 'there is no such key');
  return record;
}

function entropy(context: GatewayContext): KeyEntropy {
  return { secretHex: context.random.hex(64), idHex: context.random.hex(16) };
}

function shown(issued: IssuedKey): { readonly key: object; readonly secret: string } {
  return { key: visible(issued.record), secret: issued.secret };
}

/** A key without the hash of its secret, which helps nobody but a guesser. */
function visible({ secretSha256: _hash, ...rest }: KeyRecord): Omit<KeyRecord, 'secretSha256'> {
  return rest;
}
