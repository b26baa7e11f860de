import type { Call, CallState } from '../../middleware/compose.ts';
import { conversationText } from '../../wire/prompt/conversation-text.ts';
import { isManageable } from '../../wire/prompt/is-manageable.ts';
import { promptOf } from '../../wire/prompt/prompt-of.ts';

const names = new WeakMap<CallState, string>();

/**
 * Names the conversation that a call belongs to: by the caller's `x-farthing-session`, else by what all its requests repeat. A hash; the same
 * conversation in another project is another one.
 * @internal
 */
export function conversationName(call: Call, hash: (text: string) => string): string {
  const known = names.get(call.state);
  if (known !== undefined) return known;
  const { request } = call.state;
  const session = call.headers['x-farthing-session'];
  const read = request === undefined ? undefined : promptOf(request);
  const text =
    session !== undefined && session !== ''
      ? `session\n${session}`
      : request === undefined || read === undefined || !isManageable(read)
        ? `call\n${call.id}`
        : `text\n${conversationText(request, read)}`;
  const name = hash(`${call.caller.project.length} ${call.caller.project}\n${text}`);
  names.set(call.state, name);
  return name;
}
