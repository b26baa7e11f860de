import { createServer, type Server } from 'node:http';
import { environment } from '../config/env.ts';
import { AdmissionControl } from './admission/admission-control.ts';
import { memoryReader } from './admission/memory-ratio.ts';
import { CallDoor } from './call-door.ts';
import { answerClientFault } from './client-fault.ts';
import type { GatewayContext, GatewayState } from './gateway-context.ts';
import { type HttpApp, httpApp } from './http-app.ts';
import { type HttpRoute, meteredRoutes } from './http-route.ts';
import { UnusedConnections } from './unused-connections.ts';

/** What a server needs beside its own door. @internal */
export interface GatewayServerOptions extends Omit<GatewayContext, 'admission'> {
  /** Memory in use as a share of what there is. @defaultValue read from V8 */
  readonly memoryRatio?: () => number;
}

/** A gateway that listens. @internal */
export interface GatewayServer {
  /** `http://host:port`, without a slash at its end. */
  readonly url: string;
  /** All that it answers: metered calls, too. */
  readonly routes: readonly HttpRoute[];
  /** Calls under way. */
  inFlight(): number;
  /** Takes no more calls, waits for those under way, and cuts what is left after so many milliseconds. */
  close(drainTimeoutMs: number): Promise<void>;
}

/**
 * For how long an idle connection is kept, in milliseconds. Above the 60 s after which common load balancers give idle connections
 * up, so that it is never us who close one that a balancer is about to use.
 */
const KEEP_ALIVE_MS = 65_000;

/** How often heads and bodies that come too slowly are looked for, in milliseconds: Node's own 30 s would treble our limits. */
const SLOW_CHECK_MS = 1000;

/** How often connections that became idle are closed while the gateway stops, in milliseconds. */
const IDLE_CHECK_MS = 50;

/**
 * Starts listening.
 * @throws the system's error when the address cannot be listened on.
 * @internal
 */
export async function gatewayServer(options: GatewayServerOptions): Promise<GatewayServer> {
  const { limits, listen } = options.state().config;
  let app: HttpApp | undefined;
  const admission = new AdmissionControl({
    limits: () => options.state().config.limits,
    memoryRatio: options.memoryRatio ?? memoryReader(nodeOptions()),
    metrics: options.metrics.admission,
    log: options.log,
  });
  const door = new CallDoor({
    state: options.state,
    admission,
    resources: options.resources,
    deferred: options.deferred?.desk,
    router: (request, response) => app?.listener(request, response),
    onFault: (error) => {
      options.metrics.internalFault();
      options.log.error({ error }, 'internal fault');
    },
  });
  options.metrics.routes.watch(() => options.state().routeGuard?.statuses() ?? []);
  app = await httpApp({ ...options, admission });
  const server = createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, limits.headersTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      insecureHTTPParser: false,
      // The guard says it in the protocol's shape.
      requireHostHeader: false,
    },
    door.take,
  );
  server.maxConnections = limits.maxConnections;
  server.on('clientError', answerClientFault);
  const unused = new UnusedConnections(server);
  try {
    await listening(server, listen);
  } catch (error) {
    admission.close();
    await app.close();
    throw error;
  }
  return {
    url: urlOf(server, listen.host),
    routes: [...meteredRoutes(), ...app.routes],
    inFlight: () => admission.inFlight,
    close: async (drainTimeoutMs) => {
      await drain(server, unused, admission, drainTimeoutMs);
      admission.close();
      await app.close();
    },
  };
}

function listening(server: Server, { host, port }: GatewayState['config']['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function drain(
  server: Server,
  unused: UnusedConnections,
  admission: AdmissionControl,
  drainTimeoutMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const idleCheck = setInterval(() => {
    server.closeIdleConnections();
    unused.close();
  }, IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
  await admission.drain();
  await closed;
  clearInterval(idleCheck);
  clearTimeout(cut);
}

function nodeOptions(): readonly string[] {
  return [environment()['NODE_OPTIONS'] ?? '', ...process.execArgv];
}
