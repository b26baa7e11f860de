import { bodyTags, callTags, parseTags } from '../core/tags.ts';
import type { Tags } from '../core/model/caller.ts';
import type { Call, Middleware } from './compose.ts';
import { nextTurn } from './next-turn.ts';

/** Gives the call its tags. Refuses a call that lacks a tag that its key demands. @internal */
export function identifyMiddleware(): Middleware {
  return {
    name: 'identify',
    async handle(call, next) {
      call.state.tags = tagsOf(call, bodyTags(call.state.request?.body ?? {}));
      const turn = nextTurn(call.body);
      if (turn !== undefined) await turn;
      return next(call);
    },
  };
}

/** The tags of a call whose body names `fromBody`. @internal */
export function tagsOf(call: Pick<Call, 'headers' | 'caller'>, fromBody: Tags): Tags {
  const header = call.headers['x-farthing-tags'];
  const session = call.headers['x-farthing-session'];
  const fromHeaders = header === undefined ? {} : parseTags(header);
  const withSession = session === undefined ? fromHeaders : { session: session.slice(0, 128), ...fromHeaders };
  return callTags(call.caller, fromBody, withSession);
}
