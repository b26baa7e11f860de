import type { CompressionTools, TextEdit } from './compression.ts';
import type { Segment, SegmentKind } from './segment.ts';

/** A text with its segments. @internal */
export interface SegmentedText {
  readonly text: string;
  readonly segments: readonly Segment[];
}

/**
 * One way to make a text shorter. It proposes edits; whether they save anything is not its business: the caller counts and drops those that do not.
 * @internal
 */
export interface Transform {
  readonly id: string;
  /** Goes up whenever the same text would come out differently: the bytes that providers have cached change with it. */
  readonly version: number;
  readonly level: 'lossless' | 'structural' | 'light';
  /** The kinds in which an edit may lie. */
  readonly kinds: ReadonlySet<SegmentKind>;
  /** Whether an edit may also replace segments of any kind as a whole. */
  readonly replacesWhole?: boolean;
  /** Whether its edits are taken all or none, since half of them would leave a mixture. */
  readonly isAllOrNone?: boolean;
  /** Edits in order, without overlaps. Never throws. */
  apply(source: SegmentedText, tools: CompressionTools): readonly TextEdit[];
}

/** The kinds that hold running text. @internal */
export const WORD_KINDS: ReadonlySet<SegmentKind> = new Set<SegmentKind>(['prose', 'list', 'heading']);
/** Running text and the blank lines between. @internal */
export const TEXT_KINDS: ReadonlySet<SegmentKind> = new Set<SegmentKind>([...WORD_KINDS, 'blank']);
