import type { IncomingMessage } from 'node:http';
import { FarthingError } from '../../core/errors.ts';
import type { NamedId } from '../../wire/named-ids.ts';
import { formIds, passedBodyIds } from '../../wire/passed-body-ids.ts';
import type { PathMeaning } from '../../wire/resource-path.ts';
import { jsonMediaFault } from '../json-media-type.ts';
import { readBody } from '../read-body.ts';

/** A body on its way to a provider, and the ids that it names. @internal */
export interface PassedBody {
  /** The request itself where the body is streamed; undefined where there is none. */
  readonly body: IncomingMessage | Uint8Array | undefined;
  readonly ids: readonly NamedId[];
}

/** Collections whose forms are data and labels: large, and streamed unread. Forms to others may name ids and are read. */
const STREAMED_FORMS: ReadonlySet<string> = new Set([
  'files',
  'uploads',
  'skills',
  'audio/voices',
  'audio/voice_consents',
]);

/**
 * Takes a request's body: JSON is read, forms to collections that take ids too, other data is streamed. To a collection nothing else is let
 * through, since nobody knows what a provider reads in it.
 * @throws FarthingError `payload-too-large`, `unsupported-media-type`, `invalid-request`, or `client-left`.
 * @internal
 */
export async function passedBody(
  request: IncomingMessage,
  meaning: PathMeaning,
  maxBodyBytes: number,
): Promise<PassedBody> {
  const { 'content-length': length, 'transfer-encoding': coding, 'content-type': type = '' } = request.headers;
  if (coding === undefined && (length === undefined || length === '0')) return { body: undefined, ids: [] };
  if (/json/i.test(type)) {
    const mediaFault = jsonMediaFault(request.headers);
    if (mediaFault !== undefined) throw mediaFault;
    const body = await wholeBody(request, maxBodyBytes);
    return { body, ids: passedBodyIds(body) };
  }
  if (meaning.kind === 'other' || meaning.kind === 'unreadable') return { body: request, ids: [] };
  if (!/^multipart\/form-data(?:$|[\s;])/i.test(type)) {
    throw new FarthingError('unsupported-media-type', 'send JSON or a form here', { param: 'content-type' });
  }
  if (STREAMED_FORMS.has(meaning.of)) return { body: request, ids: [] };
  const body = await wholeBody(request, maxBodyBytes);
  return { body, ids: formIds(await formFields(body, type)) };
}

async function wholeBody(request: IncomingMessage, maxBodyBytes: number): Promise<Uint8Array> {
  const body = await readBody(request, maxBodyBytes);
  if (body === undefined) throw new FarthingError('client-left', 'the client closed the connection');
  return body;
}

async function formFields(body: Uint8Array, type: string): Promise<Iterable<[string, unknown]>> {
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
    return form.entries();
  } catch {
    throw new FarthingError('invalid-request', 'the form cannot be read');
  }
}
