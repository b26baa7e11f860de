/** What a promise comes to, as long as it does not take longer. Undefined: it does. @internal */
export async function within<Value>(ms: number, value: Promise<Value>): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined).unref();
  });
  try {
    return await Promise.race([value, elapsed]);
  } finally {
    clearTimeout(timer);
  }
}
