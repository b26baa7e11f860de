import type { DecodedRequest } from '../decoded-request.ts';
import { isObject } from '../request-guards.ts';
import type { JsonPath } from './json-ranges.ts';

/** Where an endpoint's requests say the format of the answer, and where in the format a schema is. */
const FORMATS: Readonly<Partial<Record<DecodedRequest['endpoint'], readonly JsonPath[]>>> = {
  chat: [['response_format']],
  responses: [['text', 'format']],
  // `output_format` as the beta called it.
  messages: [['output_config', 'format'], ['output_format']],
  'count-tokens': [['output_config', 'format'], ['output_format']],
};
const SCHEMAS: readonly JsonPath[] = [['json_schema', 'schema'], ['schema']];

/** Where the JSON Schema stands that the answer must fit, or a format without one; undefined where plain text is asked for. @internal */
export function formatPath({ endpoint, body }: Pick<DecodedRequest, 'endpoint' | 'body'>): JsonPath | undefined {
  for (const path of FORMATS[endpoint] ?? []) {
    const format = valueAt(body, path);
    if (!isObject(format) || format['type'] === 'text') continue;
    const schema = SCHEMAS.find((inner) => isObject(valueAt(format, inner)));
    return [...path, ...(schema ?? [])];
  }
  return undefined;
}

/** The value at a path of names and indices; undefined where there is none. @internal */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let current = value;
  for (const step of path) {
    if (typeof step === 'number') current = Array.isArray(current) ? current[step] : undefined;
    else current = isObject(current) && Object.hasOwn(current, step) ? current[step] : undefined;
  }
  return current;
}
