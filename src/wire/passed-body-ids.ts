import { FarthingError } from '../core/errors.ts';
import { DEFAULT_REQUEST_LIMITS } from './json-limits.ts';
import { scanJson } from './json-scan.ts';
import { type NamedId, namedIds } from './named-ids.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The ids that a JSON body names which is passed on without being read otherwise. What two readers could take for different things is refused: a
 * key that is there twice might name one id for us and another for the provider.
 * @throws FarthingError `invalid-request`
 * @internal
 */
export function passedBodyIds(body: Uint8Array): readonly NamedId[] {
  if (body.byteLength === 0) return [];
  let value: unknown;
  let fault: string | undefined;
  try {
    const text = utf8.decode(body);
    const scan = scanJson(text, DEFAULT_REQUEST_LIMITS, () => (value = JSON.parse(text)));
    if (scan.kind === 'fault') fault = scan.reason;
  } catch {
    fault = 'syntax';
  }
  if (fault !== undefined) throw new FarthingError('invalid-request', `the body is not sound JSON (${fault})`);
  return namedIds(value);
}

/**
 * The ids that the fields of a form name, which spells what is nested `video[id]`.
 * @throws FarthingError `invalid-request`
 * @internal
 */
export function formIds(fields: Iterable<readonly [name: string, value: unknown]>): readonly NamedId[] {
  return [...fields].flatMap(([name, value]) => {
    if (typeof value !== 'string') return [];
    const names = name.split(/[[\]]+/).filter((part) => part !== '' && !/^\d+$/.test(part));
    return namedIds(names.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value));
  });
}
