import { isFarthingError, FarthingError } from '../../core/errors.ts';
import { queueFacts } from '../../core/model/deferred-call.ts';
import type { ResourceKind } from '../../core/model/resource.ts';
import { shipmentOf } from '../../jobs/batch/batch-shipment.ts';
import type { BatchApi, BatchShipment } from '../../ports/batch-api.ts';
import { type BatchOfClient, clientBatchObject } from '../../wire/batch/client-batch-object.ts';
import { clientBatchId } from '../../wire/batch/client-batch-ids.ts';
import { derivedIds } from '../../wire/made-ids.ts';
import type { JsonObject } from '../../wire/request-guards.ts';
import { sendReply } from '../resources/passed-reply.ts';
import type { ResourceExchange } from '../resources/resource-exchange.ts';
import type { ClientBatchDraft, ClientBatchParts } from './client-batch-draft.ts';
import type { RowIntake } from './row-intake.ts';

/** What a provider made of a batch that it was sent. @internal */
export type Submission =
  | { readonly kind: 'made'; readonly providerId: string; readonly shown: JsonObject | undefined }
  /** It was refused, and nothing of it is there. Answers the client. */
  | { readonly kind: 'refused'; readonly answer: () => number }
  /** Nobody knows whether it is there. */
  | { readonly kind: 'unsure'; readonly error: unknown };

/** How a protocol's batches are sent. @internal */
export interface SendWay {
  readonly kind: ResourceKind;
  /** Puts the rows where `submit` needs them; the id that this left at the provider. */
  readonly stage: (shipment: BatchShipment) => Promise<string | undefined>;
  readonly submit: (shipment: BatchShipment, stagedId: string | undefined) => Promise<Submission>;
}

/**
 * Takes all rows of a client's batch and sends what the cache has no answer to. Whatever happens on the way: rows that are not sent are let go with their money, and a
 * batch that may be at the provider is followed by the workers.
 * @returns the status that the client got.
 * @internal
 */
export async function sendClientBatch(
  exchange: ResourceExchange,
  parts: ClientBatchParts,
  work: {
    readonly draft: ClientBatchDraft;
    readonly intake: RowIntake;
    readonly fill: (intake: RowIntake) => Promise<void>;
    readonly way: SendWay;
  },
): Promise<number> {
  const { draft, intake, way } = work;
  const id = clientBatchId(draft.batch.batchId, draft.batch.client.protocol);
  let submission: Submission | undefined;
  let stagedId: string | undefined;
  try {
    await work.fill(intake);
    await intake.end();
    mustStay(exchange);
    const client = { ...draft.batch.client, cachedRows: intake.cachedRows };
    await draft.save({ ...intake.sizes, client });
    // Before anybody else has heard of it: should this process die, it is its client's.
    await exchange.owners.claim([{ id, kind: way.kind }], exchange.project, exchange.provider.name);
    if (intake.sizes.requests > 0) {
      const shipment = shipmentOfDraft(draft.batch, parts);
      stagedId = await way.stage(shipment);
      await draft.save({ stage: 'submitting', submittingAtMs: parts.clock.nowMs(), stagedId });
      mustStay(exchange);
      draft.mustBeFresh();
      submission = await way.submit(shipment, stagedId);
    }
  } catch (error) {
    await intake.idle();
    await letGo(exchange, parts, { draft, id, stagedId });
    throw error;
  }
  return answered(exchange, parts, { draft, id, stagedId, submission });
}

async function answered(
  exchange: ResourceExchange,
  parts: ClientBatchParts,
  sent: {
    readonly draft: ClientBatchDraft;
    readonly id: string;
    readonly stagedId: string | undefined;
    readonly submission: Submission | undefined;
  },
): Promise<number> {
  const { draft, submission } = sent;
  switch (submission?.kind) {
    case 'refused':
      await letGo(exchange, parts, sent);
      return submission.answer();
    case 'unsure':
      await draft.handOver({}).catch(leftToWorkers);
      throw lostAnswer(submission.error, draft.batch.client.orderHash !== undefined);
    case 'made':
      await draft
        .handOver({
          stage: 'submitted',
          providerId: submission.providerId,
          submittedAtMs: draft.batch.submittingAtMs,
        })
        .catch(leftToWorkers);
      break;
    case undefined:
      await draft.handOver({ stage: 'abandoned' });
  }
  const object = clientBatchObject(draft.batch, submission?.shown);
  await exchange.owners.claim(derivedIds('batches', object), exchange.project, exchange.provider.name);
  return answerJson(exchange, object);
}

/** The batch is, or may be, at the provider: workers look for it when its lease has run out, and its client must not make another one. */
function leftToWorkers(): void {}

/** An error that tells clients not to try again by themselves: the batch would be made, and paid for, twice. One that has a name would be found. */
function lostAnswer(cause: unknown, isNamed: boolean): FarthingError {
  const { code, message, status } = isFarthingError(cause)
    ? cause
    : new FarthingError('provider-broken', 'the provider’s answer to the batch was lost');
  return new FarthingError(code, message, { status, retryable: isNamed, cause });
}

async function letGo(
  { owners, provider }: ResourceExchange,
  { providerOf }: ClientBatchParts,
  {
    draft,
    id,
    stagedId,
  }: { readonly draft: ClientBatchDraft; readonly id: string; readonly stagedId: string | undefined },
): Promise<void> {
  await draft.release();
  await owners.forget(provider.name, id);
  if (stagedId === undefined) return;
  const { keyIndex } = draft.batch;
  // It costs nothing where it is.
  await providerOf(provider.name)
    ?.api.unstage({ headers: {}, keyIndex }, stagedId)
    .catch(() => undefined);
}

function shipmentOfDraft(batch: BatchOfClient, { jobs }: ClientBatchParts): BatchShipment {
  return shipmentOf({ batch, facts: queueFacts(batch.queue) }, jobs);
}

/** Nobody may have a batch whose client has left before it was sent. */
function mustStay({ signal }: ResourceExchange): void {
  if (signal.aborted) throw new FarthingError('client-left', 'the client closed the connection');
}

/** Answers with a JSON object. @internal */
export function answerJson({ response, onReply }: ResourceExchange, value: unknown): number {
  onReply();
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  sendReply({ status: 200, headers }, Buffer.from(JSON.stringify(value)), response);
  return 200;
}

/** Whether a provider's refusal leaves no doubt that nothing was made. @internal */
export function isCertain(status: number): boolean {
  return (status < 500 && status !== 408 && status !== 409) || status === 503 || status === 529;
}

/** The batch interface of the provider. @throws FarthingError `configuration` @internal */
export function apiOf({ providerOf }: ClientBatchParts, provider: string): BatchApi {
  const found = providerOf(provider);
  if (found !== undefined) return found.api;
  throw new FarthingError('configuration', `no provider ${provider} takes batches`);
}

/** What a failed submission by {@link BatchApi} means. @internal */
export function failedSubmission(error: unknown): Submission {
  const isRefused =
    isFarthingError(error) &&
    (error.code === 'provider-unreachable' || (error.code === 'provider-failed' && isCertain(error.status)));
  if (!isRefused) return { kind: 'unsure', error };
  return {
    kind: 'refused',
    answer: () => {
      throw error;
    },
  };
}
