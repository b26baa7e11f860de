import { gatewayLog } from '../gateway/gateway-log.ts';
import { EXIT_CODES } from './exit-codes.ts';

/**
 * Lets a crash of this process tell what failed and where, and nothing of what it was given: what Node prints of an error that nobody caught is its text,
 * which may quote a request, and a diagnostic report holds the environment with its keys.
 * @internal
 */
export function keepCrashesQuiet(): void {
  process.report.excludeEnv = true;
  const log = gatewayLog('fatal');
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ error, origin }, 'crashed by an error that nobody caught');
    process.exit(EXIT_CODES.failure);
  });
}
