import { startFixture } from '../gateway/gateway-fixture.ts';
import type { HttpRoute } from '../../src/gateway/http-route.ts';

/** Methods that no route answers: the guard refuses them, and Node's client cannot send all of them. */
const REFUSED = new Set(['CONNECT', 'TRACE', 'OPTIONS']);

/** Every route of a gateway, but for methods that are refused as such. */
export async function gatewayRoutes(): Promise<readonly HttpRoute[]> {
  const { server, close } = await startFixture();
  await close();
  return server.routes.filter(({ method }) => !REFUSED.has(method));
}
