// Loaded into a process before it starts: SIGUSR2 makes it crash as a fault of ours would, with what CRASH_TEXT says in the error.
process.on('SIGUSR2', () => {
  const error = Object.assign(new Error(`cannot read ${process.env.CRASH_TEXT}`), { request: process.env.CRASH_TEXT });
  if (process.env.CRASH_KIND === 'rejection') void Promise.reject(error);
  else
    setImmediate(() => {
      throw error;
    });
});
