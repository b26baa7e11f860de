import type { Draw } from './draw.ts';

function pretty(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}

/** A page of an API's list of charges, nested as such APIs answer, pretty-printed. */
export function apiReply(draw: Draw): string {
  return pretty({
    object: 'list',
    url: '/v1/charges',
    has_more: true,
    data: draw.many(4 + draw.below(6), (index) => ({
      id: draw.identifier('ch'),
      object: 'charge',
      amount: draw.below(100_000),
      currency: draw.of(['usd', 'eur', 'jpy']),
      captured: index % 3 > 0,
      description: index % 2 === 0 ? draw.sentence() : null,
      billing_details: {
        address: { city: draw.of(['Berlin', 'Lyon', 'Osaka']), country: draw.of(['DE', 'FR', 'JP']), line2: null },
        email: `${draw.words(1)}@example.com`,
      },
      metadata: index % 2 === 0 ? {} : { order_id: String(draw.below(99_999)) },
      refunds: { object: 'list', data: [], total_count: 0 },
      payment_method_details: {
        card: { brand: 'visa', last4: String(1000 + draw.below(9000)), checks: null },
        type: 'card',
      },
      created: 1_700_000_000 + draw.below(9_999_999),
    })),
  });
}

/** The tools of an agent with their JSON Schemas, pretty-printed. */
export function toolSchemas(draw: Draw): string {
  return pretty(
    draw.many(4 + draw.below(6), () => ({
      type: 'function',
      function: {
        name: `${draw.of(['get', 'list', 'update', 'search'])}_${draw.of(['orders', 'files', 'issues', 'users'])}`,
        description: draw.paragraph(),
        parameters: {
          type: 'object',
          properties: Object.fromEntries(
            draw.many(3 + draw.below(4), (index) => [
              `${draw.words(1)}_${index}`,
              index % 2 === 0
                ? { type: 'string', description: draw.sentence() }
                : {
                    type: 'array',
                    items: { type: 'string', enum: ['open', 'closed', 'all'] },
                    description: draw.sentence(),
                  },
            ]),
          ),
          required: ['limit'],
          additionalProperties: false,
        },
      },
    })),
  );
}

/** Rows of a database or an analytics API, pretty-printed. */
export function records(draw: Draw): string {
  return pretty(
    draw.many(20 + draw.below(60), (index) => ({
      id: index + 1,
      name: `${draw.words(1)} ${draw.words(1)}`,
      email: `${draw.words(1)}${index}@example.com`,
      department: draw.of(['Sales', 'Engineering', 'Support, EU']),
      salary: 40_000 + draw.below(90_000),
      active: draw.below(4) > 0,
      since: `20${10 + draw.below(15)}-0${1 + draw.below(9)}-1${draw.below(9)}`,
    })),
  );
}

/** Repositories as a code host lists them, with an object in each, under a key of the reply. */
export function nestedRecords(draw: Draw): string {
  return pretty({
    total_count: 1200,
    incomplete_results: false,
    items: draw.many(10 + draw.below(30), (index) => ({
      id: 1_000_000 + draw.below(9_000_000),
      full_name: `${draw.words(1)}/${draw.words(1)}-${index}`,
      description: draw.sentence(),
      stars: draw.below(50_000),
      owner: { login: draw.words(1), type: draw.of(['User', 'Organization']) },
      created_at: `201${draw.below(9)}-0${1 + draw.below(9)}-1${draw.below(9)}T10:20:30Z`,
      archived: false,
    })),
  });
}
