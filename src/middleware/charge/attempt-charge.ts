import type { FarthingError } from '../../core/errors.ts';
import type { Charge, ChargeCertainty, Intent } from '../../core/model/charge.ts';
import { ZERO_USD } from '../../core/money.ts';
import { NO_USAGE, type ServedTerms, type Usage, usageOf } from '../../core/model/usage.ts';
import type { PricedAmount } from '../../ports/pricer.ts';
import type { Outcome } from '../compose.ts';

/** UTF-8 bytes a token, for estimates of what was never stated; English prose has 4 to 4.5 on current vocabularies. */
const BYTES_PER_TOKEN = 4;

/** What a charge is made from. @internal */
export interface AttemptEnd {
  readonly intent: Intent;
  readonly outcome: Outcome;
  /** Status of the provider's reply, undefined when none came. */
  readonly status: number | undefined;
  readonly error: FarthingError | undefined;
  readonly atMs: number;
  readonly estimatedInputTokens: number;
  readonly price: (usage: Usage, terms: ServedTerms) => PricedAmount | undefined;
}

/** Tokens that a body of so many bytes is estimated at. @internal */
export function estimatedInputTokens(bodyBytes: number): number {
  return Math.ceil(bodyBytes / BYTES_PER_TOKEN);
}

/**
 * What an attempt cost. Stated usage is charged as stated. Where it never came, the attempt is charged as an estimate, unless the
 * provider refused it or it never left: then it cost nothing.
 * @internal
 */
export function attemptCharge(end: AttemptEnd): Charge {
  const { intent, outcome } = end;
  const { certainty, usage, terms } = billed(end);
  const priced = certainty === 'none' ? undefined : end.price(usage, terms);
  const isUnpriced = certainty !== 'none' && priced === undefined;
  return {
    chargeId: intent.chargeId,
    callId: intent.callId,
    kind: intent.kind,
    atMs: end.atMs,
    project: intent.project,
    keyId: intent.keyId,
    tags: intent.tags,
    endpoint: intent.endpoint,
    target: intent.target,
    servedModel: outcome.facts?.model,
    usage,
    certainty: isUnpriced ? 'unpriced' : certainty,
    amountNanoUsd: isUnpriced ? undefined : (priced?.amountNanoUsd ?? ZERO_USD),
    priceEntry: priced?.priceEntry,
    corrects: undefined,
    status: end.status,
    outcome: end.error?.code ?? outcome.kind,
  };
}

function billed(end: AttemptEnd): { certainty: ChargeCertainty; usage: Usage; terms: ServedTerms } {
  const { facts, kind } = end.outcome;
  if (end.intent.endpoint === 'count-tokens' || kind === 'refused')
    return { certainty: 'none', usage: NO_USAGE, terms: {} };
  const wasRefused = end.status !== undefined && end.status >= 300;
  const neverLeft = end.outcome.neverSent === true || end.error?.code === 'provider-unreachable';
  if (wasRefused || neverLeft) return { certainty: 'none', usage: NO_USAGE, terms: {} };
  // A stream that broke may have stated a first usage (Anthropic's message_start): its output is not final, so what was produced is estimated.
  if (facts?.usage !== undefined && (kind === 'complete' || facts.ended))
    return { certainty: 'exact', usage: facts.usage, terms: facts.terms };
  const stated = facts?.usage;
  const output = Math.max(stated?.output ?? 0, Math.ceil((facts?.outputBytes ?? 0) / BYTES_PER_TOKEN));
  const usage = stated === undefined ? usageOf({ input: end.estimatedInputTokens, output }) : { ...stated, output };
  return { certainty: 'estimate', usage, terms: facts?.terms ?? {} };
}
