import type { Config } from './config.ts';

/** Routes that take no call under a configuration, and why: without its strong target a route has nothing to fall back to. @public */
export function routeRemarks({ providers, routes }: Config): readonly string[] {
  const active = new Set(providers.filter(({ isActive }) => isActive).map(({ name }) => name));
  return routes.flatMap(({ name, targets }) => {
    const provider = targets.at(-1)?.provider ?? '';
    return active.has(provider)
      ? []
      : [`route ${name} takes no call: the provider of its last target (${provider}) is inactive`];
  });
}
