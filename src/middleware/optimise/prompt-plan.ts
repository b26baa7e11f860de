import type { HtmlToMarkdown } from '../../core/compress/compression.ts';
import { referenceRepeats } from '../../core/compress/reference-repeats.ts';
import { conversationUnits } from '../../core/conversation/conversation-units.ts';
import { historyCut } from '../../core/conversation/history-cut.ts';
import { promptSizes } from '../../core/conversation/prompt-sizes.ts';
import { isHistoryCut } from '../../core/conversation/is-history-cut.ts';
import { unusedTools } from '../../core/conversation/unused-tools.ts';
import { compressedText } from '../../core/optimise/compressed-text.ts';
import { type PromptText, promptTexts } from '../../core/optimise/prompt-texts.ts';
import type { DroppingWorth } from '../../core/prefix/dropping-worth.ts';
import { TextMemo } from '../../core/optimise/text-memo.ts';
import type { OptimizePolicy } from '../../core/optimize-policy.ts';
import { estimateInputTokens } from '../../core/tokens/estimate-input-tokens.ts';
import type { TokenProfile } from '../../core/tokens/token-profile.ts';
import type { Tokenizer } from '../../ports/tokenizer.ts';
import type { DecodedRequest } from '../../wire/decoded-request.ts';
import { chosenTools } from '../../wire/prompt/chosen-tools.ts';
import { blockTextEdits } from '../../wire/prompt/prompt-edits.ts';
import type { RequestEdit } from '../../wire/prompt/request-edit.ts';
import type { RequestPrompt } from '../../wire/prompt/request-prompt.ts';

/** One thing that the optimiser does to a prompt. @internal */
export interface PlannedChange {
  readonly kind: 'tools' | 'history' | 'texts';
  readonly edits: readonly RequestEdit[];
  /** Tokens of the target's that go, and behind which message of the prompt they stood; -1: among the tools. */
  readonly removed: readonly { readonly message: number; readonly tokens: number }[];
}

/** What a conversation is held to because the provider has its beginning in its cache. @internal */
export interface ConversationPin {
  /** Messages at the beginning whose texts stay as they are: they were sent so. */
  readonly verbatimMessages: number;
  /** Tokens of the conversation that the provider has in its cache. */
  readonly cachedTokens: number;
  /** Messages that were left out of the last turn, by index. Undefined: there was none that is still cached. */
  readonly droppedMessages: readonly number[] | undefined;
  /** What leaving out so many tokens more is worth, against having so many behind them written to the provider's cache once more. */
  readonly dropping: (droppedTokens: number, tokensBehind: number) => DroppingWorth;
}

/** One request whose prompt is to be made cheaper. @internal */
export interface PromptToPlan {
  readonly request: DecodedRequest;
  readonly read: RequestPrompt;
  readonly profile: TokenProfile;
  readonly tokenizer: Tokenizer;
  readonly pin: ConversationPin;
}

/** Characters that are worked on before other calls get their turn: some ten milliseconds. */
const TURN_CHARS = 30_000;
/** By how much a conversation may be longer than it should be while cutting it would cost more than it saves. Ours. */
const PATIENCE = 1.5;
/** Of texts and what became of them, kept for conversations to come, in bytes. Ours: some hundred long conversations. */
const MEMO_BYTES = { texts: 16_000_000, asked: 8_000_000, counts: 4_000_000 };

/** A text after the optimiser. */
interface OptimisedText {
  readonly text: string;
  /** Tokens less than before; 0 where the text stayed as it was. */
  readonly savedTokens: number;
}

/** What became of texts, by the text. */
interface Memos {
  /** Where nothing but the text decides. */
  readonly texts: TextMemo<OptimisedText>;
  /** With the question that decides as well. */
  readonly asked: TextMemo<OptimisedText>;
  readonly counts: TextMemo<number>;
}

/** Plans what the optimiser's policy makes of prompts. Holds what became of texts, since conversations send them again and again. @internal */
export class PromptPlanner {
  readonly #policy: OptimizePolicy;
  readonly #htmlToMarkdown: HtmlToMarkdown | undefined;
  /** By encoding. */
  readonly #memos = new Map<string, Memos>();

  /** @param htmlToMarkdown - undefined: HTML stays as it is. */
  constructor(policy: OptimizePolicy, htmlToMarkdown: HtmlToMarkdown | undefined) {
    this.#policy = policy;
    this.#htmlToMarkdown = htmlToMarkdown;
  }

  /** The changes of one prompt. They touch different places, so that all their edits can be made at once. */
  async plan(prompt: PromptToPlan): Promise<readonly PlannedChange[]> {
    const tools = this.#withoutTools(prompt);
    const history = await this.#withoutHistory(prompt);
    const dropped = new Set(history?.droppedMessages);
    const texts = await this.#withTexts(prompt, dropped);
    return [tools, history?.change, texts].filter(
      (change) => change !== undefined && change.edits.length > 0,
    ) as PlannedChange[];
  }

  #withoutTools({ request, read, profile, tokenizer }: PromptToPlan): PlannedChange | undefined {
    const { prompt, tools: paths } = read;
    const { isStated, names } = chosenTools(request);
    const unused = unusedTools(prompt, {
      patterns: this.#policy.unusedTools,
      chosenNames: names,
      hasToolChoice: isStated,
    });
    if (unused.length === 0) return undefined;
    const gone = new Set(unused);
    const tokensOf = (tools: typeof prompt.tools): number =>
      estimateInputTokens({ ...prompt, tools, messages: [] }, profile, (text) => this.#count(text, tokenizer))
        .totalTokens;
    const tokens = tokensOf(prompt.tools) - tokensOf(prompt.tools.filter((_tool, index) => !gone.has(index)));
    // Providers refuse an empty list of tools.
    const emptied = ['tools', 'functions'].filter((list) =>
      paths.every((path, index) => path[0] !== list || gone.has(index)),
    );
    const edits = [
      ...emptied
        .filter((list) => paths.some((path) => path[0] === list))
        .map((name): RequestEdit => ({ kind: 'remove-member', path: [], name })),
      ...unused
        .map((index) => paths[index] ?? [])
        .filter((path) => !emptied.includes(String(path[0])))
        .map((path): RequestEdit => ({ kind: 'remove', path })),
    ];
    return { kind: 'tools', edits, removed: [{ message: -1, tokens }] };
  }

  async #withoutHistory({
    read,
    tokenizer,
    profile,
    pin,
  }: PromptToPlan): Promise<{ change: PlannedChange; droppedMessages: readonly number[] } | undefined> {
    const maxTokens = this.#policy.historyMaxTokens;
    if (maxTokens === undefined) return undefined;
    await this.#countAll(read, tokenizer);
    const factor = profile.textFactor;
    const sizes = promptSizes(read.prompt, (text) => Math.ceil(this.#count(text, tokenizer) * factor));
    const units = conversationUnits(read.prompt.messages);
    const cut = historyCut(units, sizes.messageTokens, sizes.fixedTokens, { maxTokens });
    const staying = stayingCut(cut.droppedMessages, sizes.messageTokens, pin, maxTokens);
    const wanted = staying !== undefined && isHistoryCut(units, staying) ? staying : cut.droppedMessages;
    // A member of the body is no message that could be taken out.
    const droppedMessages = wanted.filter((message) => (read.messages[message]?.path.length ?? 0) > 1);
    const edits = droppedMessages.map((message): RequestEdit => ({
      kind: 'remove',
      path: read.messages[message]?.path ?? [],
    }));
    const removed = droppedMessages.map((message) => ({ message, tokens: sizes.messageTokens[message] ?? 0 }));
    return { change: { kind: 'history', edits, removed }, droppedMessages };
  }

  async #withTexts(
    { read, tokenizer, profile, pin }: PromptToPlan,
    dropped: ReadonlySet<number>,
  ): Promise<PlannedChange | undefined> {
    if (this.#policy.level === 'off') return undefined;
    const placeOf = (message: number, block: number): RequestPrompt['messages'][number]['blocks'][number] | undefined =>
      read.messages[message]?.blocks[block];
    const texts = promptTexts(
      read.prompt,
      (message, block) => !dropped.has(message) && placeOf(message, block)?.textPaths.length === 1,
    );
    const results: OptimisedText[] = [];
    let worked = 0;
    for (const text of texts) {
      const isVerbatim = text.message < pin.verbatimMessages;
      // oxlint-disable-next-line no-await-in-loop -- one after the other, with turns for other calls between them
      if (!isVerbatim && (worked += text.text.length) > TURN_CHARS) worked = await turn();
      results.push(isVerbatim ? { text: text.text, savedTokens: 0 } : this.#optimised(text, tokenizer));
    }
    const withMarks = this.#withReferences(texts, results, tokenizer, pin);
    const changed = withMarks.flatMap((result, index) => {
      const text = texts[index];
      const place = text === undefined ? undefined : placeOf(text.message, text.block);
      return text === undefined || place === undefined || result.text === text.text ? [] : [{ text, place, result }];
    });
    return {
      kind: 'texts',
      edits: changed.flatMap(({ place, result }) => blockTextEdits(place, result.text)),
      removed: changed.map(({ text, result }) => ({
        message: text.message,
        tokens: Math.floor(result.savedTokens * profile.textFactor),
      })),
    };
  }

  /** Results of tools that were there before become a mark that says so. */
  #withReferences(
    texts: readonly PromptText[],
    results: readonly OptimisedText[],
    tokenizer: Tokenizer,
    pin: ConversationPin,
  ): readonly OptimisedText[] {
    const marks = referenceRepeats(
      results.map(({ text }) => text),
      (text) => this.#count(text, tokenizer),
    );
    return results.map((result, index) => {
      const mark = marks[index];
      if (mark === undefined || mark.steps.length === 0 || (texts[index]?.message ?? 0) < pin.verbatimMessages)
        return result;
      return { text: mark.text, savedTokens: result.savedTokens + mark.tokensBefore - mark.tokensAfter };
    });
  }

  #optimised(text: PromptText, tokenizer: Tokenizer): OptimisedText {
    const { texts, asked } = this.#memosOf(tokenizer);
    const isAsked = this.#policy.level === 'extractive' && text.role !== 'system' && text.question !== undefined;
    const memo = isAsked ? asked : texts;
    const key = isAsked ? `${text.question}\n${text.text}` : text.text;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const made = this.#compressed(text, tokenizer);
    memo.set(key, made);
    return made;
  }

  /** Of what the system says nothing is left out: every call needs it. */
  #compressed({ role, text, question }: PromptText, tokenizer: Tokenizer): OptimisedText {
    const { level, extract } = this.#policy;
    const { compression } = compressedText(text, {
      level: role === 'system' && level === 'extractive' ? 'light' : level,
      query: question,
      budgetTokens: (tokens) => (tokens < extract.minTokens ? tokens : Math.floor(tokens * extract.keepRatio)),
      tools: { count: (part) => tokenizer.count(part), htmlToMarkdown: this.#htmlToMarkdown },
    });
    return { text: compression.text, savedTokens: compression.tokensBefore - compression.tokensAfter };
  }

  /** Counts texts that are long with turns for other calls, so that what counts them next finds their counts. */
  async #countAll({ prompt }: RequestPrompt, tokenizer: Tokenizer): Promise<void> {
    const { counts } = this.#memosOf(tokenizer);
    for (const { blocks } of prompt.messages) {
      for (const block of blocks) {
        if (!('text' in block) || block.text.length < TURN_CHARS || counts.get(block.text) !== undefined) continue;
        // oxlint-disable-next-line no-await-in-loop
        counts.set(block.text, await tokenizer.countInTurns(block.text));
      }
    }
  }

  #count(text: string, tokenizer: Tokenizer): number {
    const { counts } = this.#memosOf(tokenizer);
    const known = counts.get(text);
    if (known !== undefined) return known;
    const tokens = tokenizer.count(text);
    counts.set(text, tokens);
    return tokens;
  }

  #memosOf({ encoding }: Tokenizer): Memos {
    const known = this.#memos.get(encoding);
    if (known !== undefined) return known;
    const memos = {
      texts: new TextMemo<OptimisedText>(MEMO_BYTES.texts),
      asked: new TextMemo<OptimisedText>(MEMO_BYTES.asked),
      counts: new TextMemo<number>(MEMO_BYTES.counts),
    };
    this.#memos.set(encoding, memos);
    return memos;
  }
}

function turn(): Promise<number> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(0));
  });
}

/** The cut of the last turn, where moving it would cost more than it saves and what it leaves is not too much longer than it should be. */
function stayingCut(
  wanted: readonly number[],
  messageTokens: readonly number[],
  pin: ConversationPin,
  maxTokens: number,
): readonly number[] | undefined {
  const before = pin.droppedMessages;
  if (before === undefined || before.length >= wanted.length) return undefined;
  const kept = new Set(before);
  const more = wanted.filter((message) => !kept.has(message));
  const first = more[0];
  if (first === undefined) return undefined;
  const tokensOf = (messages: readonly number[]): number =>
    messages.reduce((sum, message) => sum + (messageTokens[message] ?? 0), 0);
  const gone = new Set(wanted);
  const all = [...messageTokens.keys()];
  const behind = all.filter((message) => message > first && !gone.has(message));
  const left = all.filter((message) => !kept.has(message));
  const isTooLong = tokensOf(left) > maxTokens * PATIENCE;
  return isTooLong || pin.dropping(tokensOf(more), tokensOf(behind)).isWorthIt ? undefined : before;
}
