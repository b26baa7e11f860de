import type { IncomingHttpHeaders } from 'node:http';
import { FarthingError } from '../core/errors.ts';

/**
 * Whether a body is plain JSON, by its headers; undefined when it is. Demanding the type keeps web pages out: a page cannot send it
 * across origins without asking first (a preflight), which is refused.
 * @internal
 */
export function jsonMediaFault(headers: IncomingHttpHeaders): FarthingError | undefined {
  const type = headers['content-type'];
  if (type !== 'application/json' && !isJson(type)) {
    return new FarthingError('unsupported-media-type', 'send the body with content-type: application/json', {
      param: 'content-type',
    });
  }
  const coding = headers['content-encoding'];
  if (coding === undefined || coding === '' || coding.toLowerCase() === 'identity') return undefined;
  return new FarthingError(
    'unsupported-media-type',
    'compressed request bodies are not read: send it without content-encoding',
    {
      param: 'content-encoding',
    },
  );
}

function isJson(type: string | undefined): boolean {
  if (type === undefined) return false;
  const [media = '', ...parameters] = type.toLowerCase().split(';');
  if (media.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=', 2);
    return name.trim() !== 'charset' || /^"?utf-?8"?$/.test(value.trim());
  });
}
