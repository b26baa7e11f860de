import { type Target, formatTarget, parseTarget } from '../core/model/target.ts';
import type { ConfigPath } from './config-path.ts';
import type { RouteConfig } from './config.ts';
import type { FileSections } from './config-schema.ts';
import { isLoopback } from './listen-address.ts';
import { nearestName } from './nearest-name.ts';

/** Shortest secret accepted where other machines can guess at it: 32 characters of base64url are 192 bits. */
const LEAST_SECRET_LENGTH = 32;

/** A fault between parts of a configuration. @internal */
export interface CrossFault {
  readonly path: ConfigPath;
  readonly message: string;
}

/** Parts that could be read; those at fault are left out, so that one mistake is not told twice. */
type ReadSections = Partial<FileSections>;

/**
 * Checks what one part alone cannot know: names that point to each other, and what may be reached from where.
 * @internal
 */
export function checkConfig(sections: ReadSections): readonly CrossFault[] {
  return [...reachFaults(sections), ...nameFaults(sections), ...duplicateFaults(sections), ...projectFaults(sections)];
}

/** Limits that would bind nobody. */
function projectFaults({ auth, projects }: ReadSections): CrossFault[] {
  if (auth !== 'none') return [];
  return (projects ?? [])
    .filter(({ name }) => name !== 'default')
    .map(({ name }) => ({
      path: ['projects', name],
      message: 'has no calls: with auth: none every call is one of project default',
    }));
}

function reachFaults({ listen, auth, keys, admin }: ReadSections): CrossFault[] {
  if (listen === undefined || isLoopback(listen.host)) return [];
  const faults: CrossFault[] = [];
  if (auth === 'none')
    faults.push({ path: ['auth'], message: 'is only possible on loopback (listen: 127.0.0.1:4141)' });
  const message = `is shorter than ${LEAST_SECRET_LENGTH} characters, too short beyond loopback; make one with: farthing keys create`;
  for (const [index, { secret }] of (keys ?? []).entries()) {
    if (secret.length < LEAST_SECRET_LENGTH) faults.push({ path: ['keys', index, 'key'], message });
  }
  if (admin !== undefined && admin.length < LEAST_SECRET_LENGTH) faults.push({ path: ['admin', 'key'], message });
  return faults;
}

function nameFaults({ providers, models, routes, prices, passThrough }: ReadSections): CrossFault[] {
  if (providers === undefined) return [];
  const known = providers.map(({ name }) => name);
  const faults: CrossFault[] = [];
  const check = (name: string | undefined, path: ConfigPath): void => {
    if (name === undefined || known.includes(name)) return;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
    faults.push({ path, message: `names no configured provider; ${hint}` });
  };
  for (const { name, targets, baseline } of models ?? []) {
    for (const [index, target] of targets.entries()) check(target.provider, ['models', name, 'targets', index]);
    check(baseline?.provider, ['models', name, 'baseline']);
    if (known.includes(parseTarget(name)?.provider ?? '')) {
      faults.push({
        path: ['models', name],
        message: 'reads as provider/model of a configured provider; choose another name',
      });
    }
  }
  for (const [index, route] of (routes ?? []).entries()) {
    for (const { target, path } of routeTargets(route)) check(target.provider, ['routes', index, ...path]);
    faults.push(...secondFaults(route, index, providers));
  }
  for (const name of Object.keys(prices ?? {})) check(parseTarget(name)?.provider, ['prices', name]);
  for (const [index, { provider }] of (passThrough ?? []).entries())
    check(provider, ['passThrough', index, 'provider']);
  return faults;
}

/** A second answer in another protocol is no answer to the same request. */
function secondFaults(
  { cascade, targets: [from] }: RouteConfig,
  index: number,
  providers: FileSections['providers'],
): CrossFault[] {
  const protocolOf = (target: Target): string | undefined =>
    providers.find(({ name }) => name === target.provider)?.protocol;
  const wanted = protocolOf(from);
  return (cascade?.verify ?? []).flatMap((check, at): readonly CrossFault[] => {
    const spoken = check.kind === 'agree' && check.target !== undefined ? protocolOf(check.target) : undefined;
    if (spoken === undefined || wanted === undefined || spoken === wanted) return [];
    const path: ConfigPath = ['routes', index, 'cascade', 'verify', at, 'agree', 'with'];
    return [{ path, message: 'speaks another protocol than cascade.from, whose answer it is to be compared with' }];
  });
}

function duplicateFaults({ keys, budgets, models, routes, admin }: ReadSections): CrossFault[] {
  const secrets = (keys ?? []).map(({ secret }) => secret);
  const faults: CrossFault[] = [
    ...repeated(
      (keys ?? []).map(({ name }) => name),
      (index) => ['keys', index, 'name'],
      'is the name of an earlier key',
    ),
    ...repeated(secrets, (index) => ['keys', index, 'key'], 'is the secret of an earlier key'),
    ...repeated(
      (budgets ?? []).map(({ name }) => name),
      (index) => ['budgets', index, 'name'],
      'is the name of an earlier budget',
    ),
    ...repeated(
      (routes ?? []).map(({ name }) => name),
      (index) => ['routes', index, 'name'],
      'is the name of an earlier route',
    ),
  ];
  for (const { name, targets } of models ?? []) {
    const texts = targets.map((target: Target) => formatTarget(target));
    faults.push(...repeated(texts, (index) => ['models', name, 'targets', index], 'is listed before'));
  }
  for (const [index, route] of (routes ?? []).entries()) {
    const listed = routeTargets(route).filter(({ isAsked }) => isAsked);
    const pathOf = (position: number): ConfigPath => ['routes', index, ...(listed[position]?.path ?? [])];
    faults.push(
      ...repeated(
        listed.map(({ target }) => formatTarget(target)),
        pathOf,
        'is listed before',
      ),
    );
  }
  for (const [index, secret] of secrets.entries()) {
    if (secret === '') faults.push({ path: ['keys', index, 'key'], message: 'is empty' });
  }
  if (admin !== undefined && secrets.includes(admin)) {
    faults.push({ path: ['admin', 'key'], message: 'is the secret of a key for calls as well' });
  }
  return faults;
}

function repeated(values: readonly string[], pathOf: (index: number) => ConfigPath, message: string): CrossFault[] {
  const faults: CrossFault[] = [];
  for (const [index, value] of values.entries()) {
    if (value !== '' && values.indexOf(value) < index) faults.push({ path: pathOf(index), message });
  }
  return faults;
}

interface RouteTarget {
  readonly target: Target;
  /** Below the route. */
  readonly path: ConfigPath;
  /** Whether it answers callers. */
  readonly isAsked: boolean;
}

/** Every target that a route names. */
function routeTargets({ targets, fallbacks, cascade, quality }: RouteConfig): readonly RouteTarget[] {
  const asked = targets.map((target, index): RouteTarget => {
    const path =
      cascade === undefined ? ['targets', index] : index === 0 ? ['cascade', 'from'] : ['cascade', 'to', index - 1];
    return { target, path, isAsked: true };
  });
  const behind = fallbacks.map((target, index): RouteTarget => ({ target, path: ['fallback', index], isAsked: true }));
  const judge = quality?.judge;
  const judging: readonly RouteTarget[] =
    judge?.kind === 'model' ? [{ target: judge.target, path: ['quality', 'judge', 'model'], isAsked: false }] : [];
  const checking = (cascade?.verify ?? []).flatMap((check, index): readonly RouteTarget[] =>
    check.kind === 'agree' && check.target !== undefined
      ? [{ target: check.target, path: ['cascade', 'verify', index, 'agree', 'with'], isAsked: false }]
      : [],
  );
  return [...asked, ...behind, ...judging, ...checking];
}
