import type { AccountState, BucketAmounts, ExchangeRequest, OwnerShare } from '../../core/budget/account-state.ts';
import { nanoUsd } from '../../core/money.ts';
import type { StoreReply } from '../../ports/budget-store.ts';
import type { RedisArgument } from './redis-client.ts';

/** An owner's id as it stands in fields: without the characters that lists are made with. @internal */
export function ownerText(ownerId: string): string {
  return encodeURIComponent(ownerId);
}

/** Amounts as `bucket=amount,bucket=amount`. @internal */
export function amountsText(amounts: BucketAmounts): string {
  return Object.entries(amounts)
    .map(([bucket, amount]) => `${bucket}=${amount}`)
    .join(',');
}

/** An exchange as the script takes it. @internal */
export function exchangeArguments(request: ExchangeRequest, keepMs: number | undefined): readonly RedisArgument[] {
  return [
    ownerText(request.ownerId),
    request.sequence,
    request.acknowledgedSequence,
    request.nowMs,
    request.floorBucket,
    request.bucket,
    request.limitNanoUsd,
    request.isHard ? '1' : '0',
    request.keepNanoUsd,
    request.neededNanoUsd,
    request.wishNanoUsd,
    amountsText(request.settled),
    request.alertAtRatios.join(','),
    keepMs ?? '',
    request.latestFloorBucket,
  ];
}

/** What the script of an exchange answers. @internal */
export type ScriptReply =
  | { readonly kind: 'absent' }
  | { readonly kind: 'replied'; readonly reply: StoreReply; readonly isExpirySoon: boolean };

/**
 * Reads the script's answer.
 * @throws RangeError when it is none.
 * @internal
 */
export function parseExchangeReply(answer: unknown): ScriptReply {
  const [kind = '', ...values] = (answer as readonly unknown[]).map(String);
  switch (kind) {
    case 'absent':
      return { kind };
    case 'lost':
    case 'fenced':
    case 'superseded':
      return { kind: 'replied', reply: { kind }, isExpirySoon: false };
    case 'held': {
      const [held, granted, used, others, pressure, crossed = '', oldest, soon] = values;
      const reply: StoreReply = {
        kind,
        heldNanoUsd: nanoUsd(Number(held)),
        isGranted: granted === '1',
        usedNanoUsd: nanoUsd(Number(used)),
        otherHeldNanoUsd: nanoUsd(Number(others)),
        isUnderPressure: pressure === '1',
        crossedRatios: crossed === '' ? [] : crossed.split(',').map(Number),
        oldestBucket: oldest === '' ? undefined : Number(oldest),
      };
      return { kind: 'replied', reply, isExpirySoon: soon === '1' };
    }
    default:
      throw new RangeError('not the answer of an exchange');
  }
}

/** The fields of a flat list of names and values. @internal */
export function fieldsOf(answer: unknown): ReadonlyMap<string, string> {
  const flat = Array.isArray(answer) ? answer.map(String) : [];
  const fields = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) fields.set(flat[index] ?? '', flat[index + 1] ?? '');
  return fields;
}

/** The account in a hash; undefined when it gives no money yet. @internal */
export function accountOfFields(fields: ReadonlyMap<string, string>): AccountState | undefined {
  if (fields.get('live') === undefined) return undefined;
  const owners: Record<string, OwnerShare> = {};
  for (const [field, row] of fields) {
    if (!field.startsWith('o:')) continue;
    const [sequence, held, settled] = row.split(';');
    owners[decodeURIComponent(field.slice(2))] = {
      sequence: Number(sequence),
      heldNanoUsd: nanoUsd(Number(held)),
      settled: numbersOf(settled),
    };
  }
  const folded = Object.entries(numbersOf(fields.get('folded')));
  return {
    base: numbersOf(fields.get('base')),
    owners,
    folded: Object.fromEntries(folded.map(([owner, atMs]) => [decodeURIComponent(owner), atMs])),
    floorBucket: Number(fields.get('floor')),
    alerts: numbersOf(fields.get('alerts')),
    pressureUntilMs: Number(fields.get('pressure')),
  };
}

function numbersOf(text: string | undefined): BucketAmounts {
  if (text === undefined || text === '') return {};
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', amount] = part.split('=');
      return [name, nanoUsd(Number(amount))];
    }),
  );
}
