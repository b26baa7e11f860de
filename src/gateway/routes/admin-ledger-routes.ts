import type { FastifyInstance } from 'fastify';
import type { LedgerQuery, ReportDimension } from '../../ports/ledger.ts';
import { fault, fieldsOf, type Fields, integerField, momentField, nameField } from '../admin-input.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { jsonReply } from '../json-reply.ts';

const ACCESS = { config: { access: 'admin', metering: 'none' } } as const;
const QUERY_FIELDS = ['from', 'until', 'project', 'key', 'call', 'limit', 'order'];
const DIMENSION = /^(?:day|model|project|key|tag:[a-z][a-z0-9_.-]{0,127})$/;

const DEFAULT_ROWS = 100;
/** Most rows of one answer. About 1 KB each; whole ledgers are exported by `farthing ledger export`. */
const MAX_ROWS = 1000;

/** The ledger, read only: charges, calls and reports. @internal */
export function adminLedgerRoutes(app: FastifyInstance, context: GatewayContext): void {
  app.get('/admin/v1/ledger/charges', ACCESS, async (request, reply) =>
    jsonReply(reply, { charges: await collect(context.ledger.charges(pageOf(request.query))) }),
  );

  app.get('/admin/v1/ledger/calls', ACCESS, async (request, reply) =>
    jsonReply(reply, { calls: await collect(context.ledger.calls(pageOf(request.query))) }),
  );

  app.get('/admin/v1/ledger/report', ACCESS, async (request, reply) => {
    const fields = fieldsOf(request.query, ['by', 'from', 'until', 'project', 'key']);
    const by = fields['by'] ?? 'day';
    if (typeof by !== 'string' || !isDimension(by)) throw fault('by', 'is one of day, model, project, key, tag:<name>');
    return jsonReply(reply, { by, rows: await context.ledger.report(by, rangeOf(fields)) });
  });
}

function isDimension(text: string): text is ReportDimension {
  return DIMENSION.test(text);
}

/** One page, newest first unless the query says otherwise. */
function pageOf(query: unknown): LedgerQuery {
  const fields = fieldsOf(query, QUERY_FIELDS);
  const { order = 'newest' } = fields;
  if (order !== 'newest' && order !== 'oldest') throw fault('order', 'is newest or oldest');
  const callId = nameField(fields, 'call');
  const limit = integerField(fields, 'limit', 1, MAX_ROWS) ?? DEFAULT_ROWS;
  return { ...rangeOf(fields), ...(callId === undefined ? {} : { callId }), limit, order };
}

function rangeOf(fields: Fields): LedgerQuery {
  const fromMs = momentField(fields, 'from');
  const untilMs = momentField(fields, 'until');
  const project = nameField(fields, 'project');
  const keyId = nameField(fields, 'key');
  return {
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(project === undefined ? {} : { project }),
    ...(keyId === undefined ? {} : { keyId }),
  };
}

async function collect<T>(rows: AsyncIterable<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}
