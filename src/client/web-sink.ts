import type { ReplyHead, ReplySink } from '../ports/reply-sink.ts';

/** Bytes that a web stream holds before its reader is taken to be behind. */
const HIGH_WATER_BYTES = 256 * 1024;

/** Turns a reply into a web `Response`; `response` resolves with the head. @internal */
export class WebSink implements ReplySink {
  readonly response: Promise<Response>;
  readonly #onCancel: () => void;
  #resolve: (response: Response) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: (() => void)[] = [];
  #isOver = false;

  /** `onCancel` is called when the reader gives up. */
  constructor(onCancel: () => void) {
    this.#onCancel = onCancel;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A caller that aborted is told by the adapter: nobody may be waiting here.
    this.response.catch(() => undefined);
  }

  head(head: ReplyHead): void {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#release(),
        cancel: () => {
          this.#isOver = true;
          this.#release();
          this.#onCancel();
        },
      },
      { highWaterMark: HIGH_WATER_BYTES, size: (chunk) => chunk.byteLength },
    );
    const hasBody = head.status !== 204 && head.status !== 304;
    this.#resolve(new Response(hasBody ? body : null, { status: head.status, headers: head.headers }));
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver || this.#controller === undefined) return true;
    this.#controller.enqueue(chunk);
    return (this.#controller.desiredSize ?? 1) > 0;
  }

  drained(): Promise<void> {
    if (this.#isOver || (this.#controller?.desiredSize ?? 1) > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.close();
    this.#release();
  }

  abort(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#controller === undefined) this.#reject(error);
    else this.#controller.error(error);
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
