import type { FastifyInstance } from 'fastify';
import { RESOURCE_KINDS, type ResourceKind } from '../../core/model/resource.ts';
import { fault, fieldsOf, nameField, requiredName } from '../admin-input.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

/** Most ids of one request. */
const MAX_IDS = 1000;
const ID = /^[!-~]{1,256}$/;

/** `POST /admin/v1/ids`: gives a project the ids that existed at a provider before they were made through the gateway. @internal */
export function adminIdRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.post('/admin/v1/ids', { config: { access: 'admin', metering: 'none' } }, async (request, reply) => {
    const fields = fieldsOf(request.body, ['ids', 'kind', 'provider', 'project', 'from']);
    const project = requiredName(fields, 'project');
    const provider = requiredName(fields, 'provider');
    if (!context.state().config.providers.some(({ name }) => name === provider)) {
      throw fault('provider', 'must be the name of a configured provider');
    }
    const kind = kindOf(fields['kind']);
    const ids = idsOf(fields['ids']);
    await context.resources.adopt(
      ids.map((id) => ({ id, kind })),
      { project, provider, from: nameField(fields, 'from') },
    );
    context.log.info({ project, provider, kind, count: ids.length }, 'ids adopted');
    return jsonReply(reply, { adopted: ids.length });
  });
}

function kindOf(value: unknown): ResourceKind {
  const kind = RESOURCE_KINDS.find((known) => known === value);
  if (kind === undefined) throw fault('kind', `must be one of ${RESOURCE_KINDS.join(', ')}`);
  return kind;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

function idsOf(value: unknown): readonly string[] {
  const ids: readonly unknown[] = Array.isArray(value) ? value : [];
  if (ids.length > 0 && ids.length <= MAX_IDS && ids.every(isId)) return ids;
  throw fault('ids', `must be a list of 1 to ${MAX_IDS} ids`);
}
