import type * as z from 'zod';
import { credential, leaf } from './schema-leaves.ts';

/** Shortest secret that requests are signed with, in characters: 16 random ones cannot be guessed from a signature. */
const LEAST_SECRET_LENGTH = 16;

/** The key of signatures. @internal */
export function signingSecret(): z.ZodType<string, string> {
  return credential('The key of the signatures, at least 16 characters.').refine(
    (secret) => secret.length >= LEAST_SECRET_LENGTH,
    `must have at least ${LEAST_SECRET_LENGTH} characters`,
  );
}

/** An address of the web, without user and password. @internal */
export function webAddress(description: string): z.ZodType<string, string> {
  return leaf(readUrl, 'is not an address; write https://host/path', {
    description,
    unit: 'URL',
    json: { type: 'string' },
  });
}

function readUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password } = new URL(text);
  // What HTTP would send of user and password would not reach the receiver: undici takes them from no address.
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' ? text : undefined;
}
