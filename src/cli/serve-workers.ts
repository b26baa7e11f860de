import cluster, { type Worker } from 'node:cluster';
import { gatewayLog } from '../gateway/gateway-log.ts';
import { WorkerLink } from '../gateway/workers/worker-link.ts';
import { WorkerPool, type WorkerProcess } from '../gateway/workers/worker-pool.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { messageOf, reportFailure } from './report-failure.ts';
import { startLines } from './serve-lines.ts';
import { activeSettings, makesLocalKey, readSettings, reloadGateway, type ServeOptions } from './serve-settings.ts';
import { obeySignals } from './serve-signals.ts';

/** The primary process: starts the workers, which share its port, and keeps them. It answers no call itself. @internal */
export async function servePrimary(count: number, options: ServeOptions): Promise<void> {
  const settings = await activeSettings(options);
  const pool = new WorkerPool({
    count,
    fork,
    log: gatewayLog(settings.config.logLevel),
    onGivenUp: (exitCode) => process.exit(exitCode),
  });
  const started = await pool.start();
  // The worker has said why.
  if (started.kind === 'failed') process.exit(started.exitCode);
  obeySignals({ close: () => pool.drain(), reload: () => pool.reload(), kill: () => pool.kill() });
  console.log(startLines(started.ready, settings).join('\n'));
}

/** One worker: a whole gateway, but for what it shares with the others. @internal */
export async function serveWorker(options: ServeOptions): Promise<void> {
  // The terminal sends these to all processes; what they do to a worker is for the primary to say.
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  const link = new WorkerLink({
    send: (message) => process.send?.(message, undefined, undefined, () => undefined),
    onMessage: (listener) => void process.on('message', listener),
  });
  try {
    const [{ startGateway }, settings] = await Promise.all([
      import('../gateway/start-gateway.ts'),
      activeSettings(options),
    ]);
    const gateway = await startGateway({
      ...settings,
      readSettings: () => readSettings(options),
      // The first worker starts before the others.
      makeLocalKey: cluster.worker?.id === 1 && makesLocalKey(settings),
      workers: link,
    });
    const drain = onceDraining(() => gateway.close());
    process.on('SIGTERM', drain);
    outlivePrimary(drain);
    const { url, localKeyPath } = gateway;
    await link.ready(
      { url, localKeyPath },
      { snapshot: () => gateway.snapshot(), reload: () => reloadGateway(gateway, options), drain },
    );
  } catch (error) {
    // An open channel to the primary would keep the process.
    process.exit(reportFailure(error));
  }
}

function fork(url: string | undefined): WorkerProcess {
  const words = process.argv.slice(2);
  cluster.setupPrimary({
    args: url === undefined ? words : [...words, '--port', new URL(url).port],
    // Metrics have values that JSON does not.
    serialization: 'advanced',
  });
  return workerProcess(cluster.fork());
}

function workerProcess(worker: Worker): WorkerProcess {
  // Node tells here of what could not be sent; that the worker ended is told by `exit`.
  worker.on('error', () => undefined);
  cutUntaken(worker);
  return {
    pid: worker.process.pid,
    send: (message) => void worker.send(message as object, () => undefined),
    kill: (signal) => void worker.process.kill(signal),
    onMessage: (listener) => void worker.on('message', listener),
    onExit: (listener) => void worker.once('exit', listener),
  };
}

/**
 * Node hands one connection at a time to a worker, and forgets the one that a worker did not take before it died: its client would wait for ever.
 * So it is cut. Closing a connection that was taken does nothing: Node has closed this process's end of it.
 */
function cutUntaken({ process: child }: Worker): void {
  const send = child.send.bind(child) as (...words: readonly unknown[]) => boolean;
  let handedOver: unknown;
  child.send = (...words: readonly unknown[]): boolean => {
    if (words[1] !== undefined && words[1] !== null) [, handedOver] = words;
    return send(...words);
  };
  child.once('exit', () => {
    if (isClosable(handedOver)) handedOver.close();
  });
}

function isClosable(handle: unknown): handle is { close(): void } {
  return typeof handle === 'object' && handle !== null && 'close' in handle && typeof handle.close === 'function';
}

/** Stops well once, however often it is asked, and ends the process. */
function onceDraining(close: () => Promise<void>): () => void {
  let isDraining = false;
  return () => {
    if (isDraining) return;
    isDraining = true;
    close().then(
      () => process.exit(EXIT_CODES.ok),
      (error: unknown) => {
        console.error('could not stop cleanly:', messageOf(error));
        process.exit(EXIT_CODES.failure);
      },
    );
  };
}

/** When the primary dies, no more calls come, but those under way are paid for and are to end well. */
function outlivePrimary(drain: () => void): void {
  process.prependListener('disconnect', () => {
    // Otherwise Node ends a worker whose primary is gone at once.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    drain();
  });
}
