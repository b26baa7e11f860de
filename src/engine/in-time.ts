/** Resolves with the work, or when the time is over. The work goes on. @internal */
export function within(work: Promise<void>, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patienceMs);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The work's own end, or a rejection when the time is over. @internal */
export function inTime<Answer>(work: Promise<Answer>, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`no answer within ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs).unref();
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
