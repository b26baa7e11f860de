import { parseDuration } from '../../config/duration.ts';
import { parseMoment } from '../../config/moment.ts';
import { FarthingError } from '../../core/errors.ts';
import { webhookAddress } from './webhook-address.ts';

/** By when an answer must be there: how long from now, a moment, or Unix seconds. */
const DEADLINE_HEADER = 'x-farthing-deadline';

/** Who is told when it is. */
const WEBHOOK_HEADER = 'x-farthing-webhook';

/** What a caller asks of a call that may be answered later. @internal */
export interface DeadlineTerms {
  readonly deadlineAtMs: number;
  readonly webhookUrl: string | undefined;
}

/** Furthest deadline, in milliseconds: a week. Ours; no batch of a provider takes longer than a day, and answers are not kept for ever. */
const MAX_AHEAD_MS = 604_800_000;

/** Unix seconds from 2001 on. Thirteen digits are milliseconds, and refused rather than taken for a year far away. */
const UNIX_SECONDS = /^\d{10,11}$/;

/**
 * Reads what a call's headers say of its deadline; undefined when they say nothing.
 * @param webhooks - addresses below which a caller may name one.
 * @throws FarthingError `invalid-request` that names the header at fault.
 * @internal
 */
export function deadlineTerms(
  headers: Readonly<Record<string, string | undefined>>,
  webhooks: readonly string[],
  nowMs: number,
): DeadlineTerms | undefined {
  const deadline = headers[DEADLINE_HEADER];
  const webhook = headers[WEBHOOK_HEADER];
  if (deadline === undefined) {
    if (webhook === undefined) return undefined;
    throw fault(WEBHOOK_HEADER, `has no effect without ${DEADLINE_HEADER}`);
  }
  const deadlineAtMs = deadlineOf(deadline.trim(), nowMs);
  if (webhook === undefined) return { deadlineAtMs, webhookUrl: undefined };
  const webhookUrl = webhookAddress(webhook.trim(), webhooks);
  if (webhookUrl === undefined) throw fault(WEBHOOK_HEADER, 'is not an address that this gateway may tell');
  return { deadlineAtMs, webhookUrl };
}

function deadlineOf(text: string, nowMs: number): number {
  const atMs = momentOf(text, nowMs);
  if (atMs === undefined) {
    throw fault(DEADLINE_HEADER, 'is not a time; write 6h, 90m, 2026-11-27T08:00:00Z or Unix seconds');
  }
  if (atMs <= nowMs) throw fault(DEADLINE_HEADER, 'has passed');
  if (atMs - nowMs > MAX_AHEAD_MS) throw fault(DEADLINE_HEADER, 'is more than 7 days ahead');
  return atMs;
}

function momentOf(text: string, nowMs: number): number | undefined {
  const aheadMs = parseDuration(text);
  if (aheadMs !== undefined) return nowMs + aheadMs;
  if (UNIX_SECONDS.test(text)) return Number(text) * 1000;
  // A day alone does not say whether its first or its last minute is meant.
  return text.includes('T') ? parseMoment(text) : undefined;
}

function fault(param: string, what: string): FarthingError {
  return new FarthingError('invalid-request', `${param} ${what}`, { param });
}
