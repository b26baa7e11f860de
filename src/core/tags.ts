import type { Caller, Tags } from './model/caller.ts';
import { FarthingError } from './errors.ts';

/** Most tags that a call may carry. Bounds what one call can write to the ledger. @public */
export const MAX_TAGS = 16;

/** Longest tag name and value, in characters. @public */
export const MAX_TAG_LENGTH = 128;

const NAME = /^[a-z][a-z0-9_.-]{0,127}$/;

/**
 * Reads `x-farthing-tags: user=alice,feature=search`. Values may be percent-encoded.
 * @throws FarthingError `invalid-request` for a name that is not lower-case, a tag without `=`, too many or too long ones.
 * @public
 */
export function parseTags(header: string): Tags {
  const tags: Record<string, string> = {};
  const parts = header.split(',');
  if (parts.length > MAX_TAGS) throw tagFault(`more than ${MAX_TAGS} tags`);
  for (const part of parts) {
    const text = part.trim();
    if (text === '') continue;
    const equals = text.indexOf('=');
    const name = text.slice(0, Math.max(equals, 0)).trim();
    if (equals <= 0 || !NAME.test(name)) throw tagFault('a tag is written name=value, the name in lower case');
    tags[name] = tagValue(text.slice(equals + 1).trim());
  }
  return tags;
}

function tagValue(text: string): string {
  let value: string;
  try {
    value = decodeURIComponent(text);
  } catch {
    throw tagFault('a value is not valid percent-encoding');
  }
  if (value === '' || value.length > MAX_TAG_LENGTH) throw tagFault(`a value has 1 to ${MAX_TAG_LENGTH} characters`);
  return value;
}

function tagFault(what: string): FarthingError {
  return new FarthingError('invalid-request', `x-farthing-tags: ${what}`, { param: 'x-farthing-tags' });
}

/**
 * The tags of a call: what the body names as its user, what the headers say, and above both what the key pins.
 * @throws FarthingError `invalid-request` when a tag that the key requires is missing.
 * @public
 */
export function callTags(caller: Caller, fromBody: Tags, fromHeaders: Tags): Tags {
  const tags = { ...fromBody, ...fromHeaders, ...caller.pinnedTags };
  for (const name of caller.requiredTags ?? []) {
    if (tags[name] !== undefined) continue;
    throw new FarthingError(
      'invalid-request',
      `this key demands the tag "${name}": send x-farthing-tags: ${name}=...`,
      {
        param: 'x-farthing-tags',
      },
    );
  }
  return tags;
}

/**
 * The user that a body names: OpenAI `safety_identifier` or `user`, Anthropic `metadata.user_id`.
 * A value that is too long for a tag is left out: the providers' own limits are theirs to check.
 * @public
 */
export function bodyTags(body: Readonly<Record<string, unknown>>): Tags {
  const metadata = body['metadata'];
  const nested =
    typeof metadata === 'object' && metadata !== null && 'user_id' in metadata ? metadata.user_id : undefined;
  for (const candidate of [body['safety_identifier'], body['user'], nested]) {
    if (typeof candidate === 'string' && candidate !== '' && candidate.length <= MAX_TAG_LENGTH)
      return { user: candidate };
  }
  return {};
}
