import type { Middleware } from '../compose.ts';
import { CallRun } from './call-run.ts';
import type { ResilienceOptions } from './resilience-options.ts';

/**
 * Makes the attempts of a call: tries again, moves on to the next target, leaves those alone that fail, and sees to it that the client gets one whole
 * answer or an error that says so, never a part that looks whole. Refuses when no target can be asked.
 * @internal
 */
export function resilienceMiddleware(options: ResilienceOptions): Middleware {
  return {
    name: 'resilience',
    handle: (call, next) => new CallRun(call, next, options).run(),
  };
}
