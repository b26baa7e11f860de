import { type DestinationStream, type Logger, pino } from 'pino';
import { isFarthingError } from '../core/errors.ts';
import type { LogLevel } from '../config/config.ts';

/** Fields that are cut out wherever they stand; nothing logs them on purpose. */
const SECRET_FIELDS = ['authorization', 'apiKey', 'x-api-key', 'secret', 'key', 'cookie', 'headers', 'body'];

/**
 * The gateway's own log: JSON lines on standard error. Prompts, replies and keys never reach it: errors are reduced to name, code and
 * place (the text of an error that is not ours may quote a request), and fields that could carry a secret are cut out.
 * @internal
 */
export function gatewayLog(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: '(cut out)' },
    serializers: { error: errorFields },
  };
  return pino(options, destination ?? pino.destination({ dest: 2, sync: true }));
}

/** What of an error may be logged. @internal */
function errorFields(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { name: typeof error };
  const cause = error.cause === undefined ? {} : { cause: errorFields(error.cause) };
  const code = 'code' in error ? { code: error.code } : {};
  const message = isFarthingError(error) ? { message: error.message } : {};
  return { name: error.name, ...code, ...message, at: frames(error), ...cause };
}

function frames({ stack = '', message }: Error): readonly string[] {
  // The text comes first, and lines of it may look like places.
  const end = stack.indexOf(message);
  const places = end === -1 ? '' : stack.slice(end + message.length);
  return places.split('\n').flatMap((line) => (/^\s+at /.test(line) ? [line.trim()] : []));
}
