import type { DecodedRequest } from './decoded-request.ts';
import { isObject, type JsonObject } from './request-guards.ts';

/** A format that the answer must have, and how the request reads without it. @internal */
export interface StructuredFormat {
  /** The JSON Schema; undefined: any JSON object. */
  readonly schema: unknown;
  /** The members that ask for plain text instead, for `spliceRequest`. */
  readonly plainMembers: Readonly<Record<string, string>>;
}

/** The structured output that a request asks for (JSON, with a schema or without); undefined where it asks for text. @internal */
export function structuredFormat(request: Pick<DecodedRequest, 'endpoint' | 'body'>): StructuredFormat | undefined {
  const { endpoint, body } = request;
  if (endpoint === 'chat') {
    const format = constraint(body['response_format']);
    const jsonSchema = format?.['json_schema'];
    const schema = isObject(jsonSchema) ? jsonSchema['schema'] : undefined;
    return format && { schema, plainMembers: { response_format: '{"type":"text"}' } };
  }
  if (endpoint === 'responses') {
    const text = body['text'];
    const format = isObject(text) ? constraint(text['format']) : undefined;
    if (!isObject(text) || format === undefined) return undefined;
    return { schema: format['schema'], plainMembers: { text: JSON.stringify({ ...text, format: { type: 'text' } }) } };
  }
  return endpoint === 'messages' ? messagesFormat(body) : undefined;
}

/** `output_config.format`, or `output_format` as the beta called it. */
function messagesFormat(body: JsonObject): StructuredFormat | undefined {
  const config = body['output_config'];
  const format = isObject(config) ? constraint(config['format']) : undefined;
  const betaFormat = constraint(body['output_format']);
  const plainMembers: Record<string, string> = {};
  if (isObject(config) && format !== undefined) {
    const { format: _format, ...rest } = config;
    plainMembers['output_config'] = JSON.stringify(rest);
  }
  if (betaFormat !== undefined) plainMembers['output_format'] = 'null';
  const stated = format ?? betaFormat;
  return stated && { schema: stated['schema'], plainMembers };
}

function constraint(format: unknown): JsonObject | undefined {
  return isObject(format) && format['type'] !== 'text' ? format : undefined;
}
