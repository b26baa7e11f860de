import type { IncomingHttpHeaders } from 'node:http';
import { FarthingError } from '../../core/errors.ts';
import { type CallPriority, isCallPriority } from '../../core/model/call-priority.ts';
import type { Caller } from '../../core/model/caller.ts';

/** The header in which a call says that it can wait. */
const PRIORITY_HEADER = 'x-farthing-priority';

/**
 * The priority that a request asks for: interactive unless it says otherwise.
 * @throws FarthingError `invalid-request` for a word that is none.
 * @internal
 */
export function requestPriority(headers: IncomingHttpHeaders): CallPriority {
  const word = headers[PRIORITY_HEADER];
  if (word === undefined) return 'interactive';
  if (typeof word === 'string' && isCallPriority(word)) return word;
  throw new FarthingError('invalid-request', `${PRIORITY_HEADER} is interactive or batch`, { param: PRIORITY_HEADER });
}

/** What becomes of a wish under a key: a key of a batch makes every call one of a batch. @internal */
export function grantedPriority(asked: CallPriority, ofKey: CallPriority | undefined): CallPriority {
  return ofKey === 'batch' ? 'batch' : asked;
}

/** The caller as its call is counted on the limits of its key and project. @internal */
export function grantedCaller(caller: Caller, asked: CallPriority): Caller {
  const priority = grantedPriority(asked, caller.priority);
  return priority === (caller.priority ?? 'interactive') ? caller : { ...caller, priority };
}
