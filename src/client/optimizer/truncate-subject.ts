import { truncateToTokens, type TruncationOptions } from '../../core/compress/truncate-to-tokens.ts';
import type { ConversationEdit } from '../../core/conversation/conversation-edit.ts';
import { blockText, promptSizes } from '../../core/conversation/prompt-sizes.ts';
import { truncateConversation } from '../../core/conversation/truncate-conversation.ts';
import { editedOwnRequest, type OwnRequest } from '../../wire/prompt/own-request.ts';
import { blockTextEdits } from '../../wire/prompt/prompt-edits.ts';
import type { RequestEdit } from '../../wire/prompt/request-edit.ts';
import type { CompressionStep } from '../../core/compress/compression.ts';
import { type ModelCounter, promptTokens, sizeOf } from './model-counter.ts';
import type { PromptSubject } from './prompt-subject.ts';
import { pathText, type ShortenedSubject, type SubjectChange } from './shortened-subject.ts';

/** A subject after it was cut to a number of tokens. @internal */
export interface TruncatedSubject extends ShortenedSubject {
  /** False: what must stay is longer. */
  readonly fits: boolean;
}

/** The parts of a prompt are chosen by their sizes, the whole is counted by the model's rules: so often the aim is corrected. */
const MAX_TRIES = 5;
/** Goes up when the same conversation would be cut elsewhere. */
const TRANSFORM = 'truncate-conversation@1';

/** Cuts a text, or the conversation of a request, to so many tokens. @internal */
export async function truncateSubject(
  subject: PromptSubject,
  maxTokens: number,
  options: TruncationOptions,
  counter: ModelCounter,
): Promise<TruncatedSubject> {
  const { isExact, tokens } = await sizeOf(subject, counter);
  const unchanged = { subject, tokensBefore: tokens, tokensAfter: tokens, isExact, changes: [], fits: true };
  if (tokens <= maxTokens) return unchanged;
  if (subject.kind === 'text') {
    const { text, tokensAfter, steps } = truncateToTokens(subject.text, maxTokens, counter.count, options);
    const changes = text === subject.text ? [] : [{ at: '', before: subject.text, after: text, steps }];
    return { ...unchanged, subject: { kind: 'text', text }, tokensAfter, changes, fits: tokensAfter <= maxTokens };
  }
  const { own, edits } = truncatedRequest(subject.own, tokens, maxTokens, counter);
  const tokensAfter = promptTokens(own.read.prompt, counter);
  const changes = conversationChanges(subject.own, edits, counter);
  return { ...unchanged, subject: { ...subject, own }, tokensAfter, changes, fits: tokensAfter <= maxTokens };
}

function truncatedRequest(
  own: OwnRequest,
  tokens: number,
  maxTokens: number,
  counter: ModelCounter,
): { readonly own: OwnRequest; readonly edits: readonly ConversationEdit[] } {
  const { prompt } = own.read;
  const { messageTokens } = counter.profile;
  const known = promptSizes(prompt, counter.count, { messageTokens }).totalTokens;
  let aim = maxTokens - (tokens - known);
  for (let tries = 1; ; tries += 1) {
    const { edits } = truncateConversation(prompt, aim, counter.count, { messageTokens });
    const shorter = editedOwnRequest(own, conversationRequestEdits(own, edits));
    const surplus = promptTokens(shorter.read.prompt, counter) - maxTokens;
    if (surplus <= 0 || tries === MAX_TRIES) return { own: shorter, edits };
    aim -= surplus;
  }
}

/** Edits of a conversation as edits of its request. @internal */
export function conversationRequestEdits(
  { read }: OwnRequest,
  edits: readonly ConversationEdit[],
): readonly RequestEdit[] {
  return edits.flatMap((edit): readonly RequestEdit[] => {
    const message = read.messages[edit.message];
    if (message === undefined) return [];
    // A member of the body is no message that could be taken out.
    if (edit.kind === 'drop-message') return message.path.length < 2 ? [] : [{ kind: 'remove', path: message.path }];
    const place = message.blocks[edit.block];
    return place === undefined ? [] : blockTextEdits(place, edit.text);
  });
}

/** What edits of a conversation did, text by text. @internal */
export function conversationChanges(
  { read }: OwnRequest,
  edits: readonly ConversationEdit[],
  { count }: Pick<ModelCounter, 'count'>,
  transform: string = TRANSFORM,
): readonly SubjectChange[] {
  return edits.flatMap((edit): readonly SubjectChange[] => {
    const place = read.messages[edit.message];
    const blocks = read.prompt.messages[edit.message]?.blocks ?? [];
    if (place === undefined) return [];
    if (edit.kind === 'drop-message') {
      if (place.path.length < 2) return [];
      const before = blocks.map((block) => blockText(block) ?? `(${block.kind})`).join('\n');
      return [changeOf(pathText(place.path), before, '')];
    }
    const block = blocks[edit.block];
    const at = place.blocks[edit.block];
    return block === undefined || at === undefined
      ? []
      : [changeOf(pathText(at.textPaths[0] ?? at.path), blockText(block) ?? '', edit.text)];
  });

  function changeOf(at: string, before: string, after: string): SubjectChange {
    const step: CompressionStep = {
      transform,
      savedTokens: count(before) - (after === '' ? 0 : count(after)),
      edits: [{ start: 0, end: before.length, text: after }],
    };
    return { at, before, after, steps: [step] };
  }
}
