import type { ContinuationObstacle } from './partial-text.ts';

/** 4 Mi UTF-16 code units. A longer text is not kept, and fits hardly any prompt. */
const MAX_TEXT_CHARS = 4 * 1024 * 1024;

/** What a partial answer has come to, whatever its protocol. @internal */
export class PartialProgress {
  text = '';
  hasThinking = false;
  #obstacle: ContinuationObstacle | undefined;

  get obstacle(): ContinuationObstacle | undefined {
    return this.#obstacle;
  }

  /** Adds a piece of text; gives up, and lets go of it, when it is too long. */
  addText(piece: unknown): void {
    if (typeof piece !== 'string' || this.#obstacle !== undefined) return;
    if (this.text.length + piece.length > MAX_TEXT_CHARS) this.giveUp('too-long');
    else this.text += piece;
  }

  /** The first reason stays. */
  giveUp(obstacle: ContinuationObstacle): void {
    this.#obstacle ??= obstacle;
    this.text = '';
  }
}
