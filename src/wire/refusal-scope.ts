import type { DecodedRequest } from './decoded-request.ts';
import { isAbsent, isObject } from './request-guards.ts';

/** Words of OpenAI's `effort` and Anthropic's `thinking.type`. Any other is one and the same scope: callers must not be able to make scopes without end. */
const SETTINGS: ReadonlySet<unknown> = new Set([
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
  'enabled',
  'adaptive',
  'disabled',
]);

/**
 * What a refusal depends on beside its target: GPT-5.4 takes a temperature with effort `none` only, Claude 4.6 without thinking only, and
 * Anthropic's version 2026-10-21 takes none at all. What one scope taught must not change requests of another.
 * @param apiVersion - the `anthropic-version` that the request is sent with, where it has one.
 * @public
 */
export function refusalScope(
  request: Pick<DecodedRequest, 'endpoint' | 'body'>,
  apiVersion: string | undefined,
): string {
  const { endpoint, body } = request;
  const effort = body['reasoning_effort'] ?? memberOf(body['reasoning'], 'effort');
  const thinking = memberOf(body['thinking'], 'type');
  const version = apiVersion === undefined ? '-' : /^\d{4}-\d\d-\d\d$/.test(apiVersion) ? apiVersion : 'other';
  return `${endpoint} ${settingOf(effort)} ${settingOf(thinking)} ${version}`;
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function settingOf(value: unknown): string {
  if (isAbsent(value)) return '-';
  return typeof value === 'string' && SETTINGS.has(value) ? value : 'other';
}
