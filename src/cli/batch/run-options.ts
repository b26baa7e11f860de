import { InvalidArgumentError } from 'commander';
import { type NanoUsd, parseUsd } from '../../core/money.ts';
import type { DataOptions } from '../data-folder.ts';
import type { InputFormat } from './input-format.ts';

/** How items of a run may be asked. @internal */
export const RUN_WAYS = ['live', 'batch'] as const;

/** What becomes of items that a provider's batch did not answer. @internal */
export const UNANSWERED_WAYS = ['batch', 'live', 'fail'] as const;

/** What the command line says of a run. @internal */
export interface RunOptions extends DataOptions {
  readonly model?: string;
  readonly out?: string;
  readonly format?: InputFormat;
  readonly template?: string;
  readonly system?: string;
  readonly maxOutputTokens?: number;
  readonly via: (typeof RUN_WAYS)[number];
  readonly concurrency?: number;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly group?: number;
  readonly groupDelay?: number;
  readonly maxUsd?: NanoUsd;
  readonly onUnanswered: (typeof UNANSWERED_WAYS)[number];
  readonly dryRun?: boolean;
  readonly skipInvalid?: boolean;
  readonly fresh?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Reads a whole number above 0. @internal */
export function positive(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Write a whole number above 0.');
}

/** Reads an amount above 0. @internal */
export function amount(text: string): NanoUsd {
  let value: NanoUsd | undefined;
  try {
    value = parseUsd(text);
  } catch {
    value = undefined;
  }
  if (value === undefined || value <= 0) throw new InvalidArgumentError('Write dollars above 0: 12.50.');
  return value;
}
