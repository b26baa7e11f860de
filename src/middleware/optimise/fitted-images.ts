import type { PromptBlock } from '../../core/model/prompt.ts';
import { TextMemo } from '../../core/optimise/text-memo.ts';
import type { ImageSize } from '../../core/tokens/image-formula.ts';
import { imageTarget } from '../../core/tokens/image-target.ts';
import { modelImageFormula } from '../../core/tokens/model-image-formula.ts';
import { imageEdits } from '../../wire/prompt/prompt-edits.ts';
import type { RequestEdit } from '../../wire/prompt/request-edit.ts';
import type { RequestPrompt } from '../../wire/prompt/request-prompt.ts';

/** Brings an image to a size, in its own format; undefined: it stays as it is. Never rejects. @internal */
export type FitImage = (image: { data: string; mediaType: string }, size: ImageSize) => Promise<string | undefined>;

/** Of images and what became of them, kept for conversations to come. Ours. */
const MEMO_BYTES = 64_000_000;

/** Brings inline images to the size that the provider brings them to anyway: the model sees the same, less has to be sent. @internal */
export class ImageFitter {
  readonly #fit: FitImage;
  readonly #fitted = new TextMemo<{ readonly data: string | undefined }>(MEMO_BYTES);

  constructor(fit: FitImage) {
    this.#fit = fit;
  }

  async edits({ prompt, messages }: RequestPrompt, model: string): Promise<readonly RequestEdit[]> {
    const edits: RequestEdit[] = [];
    for (const [index, { blocks }] of prompt.messages.entries()) {
      for (const [place, block] of blocks.entries()) {
        const found = messages[index]?.blocks[place];
        if (block.kind !== 'image' || block.mediaType === undefined || found === undefined) continue;
        // oxlint-disable-next-line no-await-in-loop -- images are large: one at a time in memory
        const data = await this.#fittedData(block, model);
        if (data !== undefined) edits.push(...imageEdits(found, data, block.mediaType));
      }
    }
    return edits;
  }

  async #fittedData(image: Extract<PromptBlock, { kind: 'image' }>, model: string): Promise<string | undefined> {
    const { data, mediaType, width, height, detail } = image;
    const formula = modelImageFormula(model, detail);
    if (
      data === undefined ||
      mediaType === undefined ||
      width === undefined ||
      height === undefined ||
      formula === undefined
    )
      return undefined;
    const target = imageTarget({ width, height }, formula);
    if (target === undefined) return undefined;
    const key = `${target.width}x${target.height} ${data}`;
    const known = this.#fitted.get(key);
    if (known !== undefined) return known.data;
    const fitted = await this.#fit({ data, mediaType }, target);
    this.#fitted.set(key, { data: fitted });
    return fitted;
  }
}
