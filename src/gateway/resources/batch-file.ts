import { FarthingError } from '../../core/errors.ts';
import { mayNameIds, type NamedId } from '../../wire/named-ids.ts';
import { passedBodyIds } from '../../wire/passed-body-ids.ts';
import { askBeside, type ResourceExchange } from './resource-exchange.ts';

/** Where a batch names the file with its requests. */
const PARAM = 'input_file_id';
const LINE_FEED = 10;
/** Ids that are looked up at once. */
const IDS_AT_ONCE = 1000;

/**
 * The requests of an OpenAI batch stand in a file, which was passed on unread. Reads it, line by line, before the batch is made: a line may name
 * ids as any request may.
 * @throws FarthingError `not-found` when a line names an id that is not the project's, `invalid-request` for a line that cannot be read,
 * `provider-failed` when the provider does not give the file.
 * @internal
 */
export async function demandBatchFile(exchange: ResourceExchange, ids: readonly NamedId[]): Promise<void> {
  const file = ids.find(({ param }) => param === PARAM);
  if (file === undefined) return;
  let found = new Set<string>();
  for await (const line of batchFileLines(exchange, file.id)) {
    for (const { id } of idsOfLine(line)) found.add(id);
    if (found.size < IDS_AT_ONCE) continue;
    await demandAll(exchange, found);
    found = new Set();
  }
  await demandAll(exchange, found);
}

/**
 * The lines of a file that a batch is to be made of, as the provider has it.
 * @throws FarthingError as {@link demandBatchFile}
 * @internal
 */
export async function* batchFileLines(exchange: ResourceExchange, fileId: string): AsyncGenerator<Buffer> {
  const reply = await askBeside(exchange, `/v1/files/${encodeURIComponent(fileId)}/content`);
  const coding = reply.headers['content-encoding'] ?? 'identity';
  if (reply.status !== 200 || coding !== 'identity') {
    reply.body.destroy();
    throw new FarthingError('provider-failed', `the file of ${PARAM} cannot be read`, {
      retryable: reply.status === 429 || reply.status >= 500,
    });
  }
  yield* linesOf(reply.body, exchange.maxBodyBytes);
}

async function demandAll({ owners, project, provider }: ResourceExchange, found: ReadonlySet<string>): Promise<void> {
  await owners.demand(
    [...found].map((id) => ({ id, param: PARAM })),
    project,
    provider.name,
  );
}

function idsOfLine(line: Buffer): readonly NamedId[] {
  // A line says itself which endpoint it is for; these traces are those of all.
  if (!mayNameIds('responses', line) && !mayNameIds('messages', line)) return [];
  try {
    return passedBodyIds(line);
  } catch (cause) {
    throw new FarthingError('invalid-request', `a line of the file of ${PARAM} is not sound JSON`, {
      param: PARAM,
      cause,
    });
  }
}

async function* linesOf(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<Buffer> {
  let open: Buffer[] = [];
  let openBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...open, chunk.subarray(start, end)]);
      open = [];
      openBytes = 0;
      start = end + 1;
    }
    open.push(chunk.subarray(start));
    openBytes += chunk.byteLength - start;
    if (openBytes > maxLineBytes) {
      throw new FarthingError(
        'invalid-request',
        `a line of the file of ${PARAM} is longer than ${maxLineBytes} bytes`,
        {
          param: PARAM,
        },
      );
    }
  }
  yield Buffer.concat(open);
}
