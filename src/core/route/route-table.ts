import { FarthingError } from '../errors.ts';
import type { Caller } from '../model/caller.ts';
import type { Protocol } from '../model/protocol.ts';
import { formatTarget, parseTarget, type Target } from '../model/target.ts';

/** A provider as routing sees it. @public */
export interface RouteProvider {
  readonly name: string;
  readonly protocol: Protocol;
  /** Whose models and prices it has (`openai`, `anthropic` ...); undefined for an unknown vendor. */
  readonly vendor: string | undefined;
}

/** How the target that is asked first is chosen among several. @public */
export interface RouteBalance {
  /** `weighted`: by chance. `latency`: the one that is expected to begin its answer soonest. */
  readonly by: 'weighted' | 'latency';
  /** One for each target, in their order, above 0: its share, or how much slower it may be. */
  readonly weights: readonly number[];
}

/** A name that clients may ask for beside `provider/model` and plain model names. @public */
export interface RouteAlias {
  /** In order, unless balanced: the first is asked, the others are fallbacks. */
  readonly targets: readonly Target[];
  /** @defaultValue the order of `targets` */
  readonly balance?: RouteBalance;
  /** What savings are measured against. @defaultValue the first target */
  readonly baseline?: Target;
}

/** Everything that choosing a target depends on. @public */
export interface RouteTable {
  /** Active providers only; targets of inactive ones are skipped. */
  readonly providers: ReadonlyMap<string, RouteProvider>;
  readonly aliases: ReadonlyMap<string, RouteAlias>;
  /** The vendor whose catalogue has a model, exactly or as a dated snapshot. */
  readonly vendorOfModel: (model: string) => string | undefined;
}

/** Where a call may go. @public */
export interface ResolvedRoute {
  readonly asked: string;
  readonly baseline: Target;
  readonly targets: readonly [Target, ...Target[]];
  /** For `targetOrder`; undefined: the order of `targets`. Its weights are those of these targets. */
  readonly balance: RouteBalance | undefined;
}

/**
 * Chooses targets for the model that was asked: an alias, `provider/model`, or a plain name, which goes to the provider
 * whose catalogue has it, else to the one provider of that protocol.
 * @throws FarthingError `model-not-found` or `forbidden`, saying what could be asked instead.
 * @public
 */
export function resolveRoute(
  table: RouteTable,
  asked: string,
  protocol: Protocol,
  caller: Caller,
  pinnedProvider?: string,
): ResolvedRoute {
  const route = aliasRoute(table, asked) ?? directRoute(table, asked, protocol, pinnedProvider);
  const wrong = route.targets.find((target) => table.providers.get(target.provider)?.protocol !== protocol);
  if (wrong !== undefined) throw otherProtocol(asked, protocol);
  if (caller.allowedModels !== undefined && !isAllowed(route, caller.allowedModels)) {
    throw new FarthingError('forbidden', `this key may not ask for the model "${asked}"`, { param: 'model' });
  }
  return route;
}

function isAllowed(route: ResolvedRoute, allowed: readonly string[]): boolean {
  if (allowed.includes(route.asked)) return true;
  return route.targets.every((target) => allowed.includes(formatTarget(target)));
}

function aliasRoute(table: RouteTable, asked: string): ResolvedRoute | undefined {
  const alias = table.aliases.get(asked);
  if (alias === undefined) return undefined;
  const isActive = (target: Target): boolean => table.providers.has(target.provider);
  const [first, ...rest] = alias.targets.filter(isActive);
  if (first === undefined) {
    const names = [...new Set(alias.targets.map((target) => target.provider))].join(', ');
    throw new FarthingError('model-not-found', `no provider of the model "${asked}" is active (${names})`, {
      param: 'model',
    });
  }
  const baseline = alias.baseline ?? alias.targets[0] ?? first;
  return { asked, baseline, targets: [first, ...rest], balance: balanceAmong(alias, isActive) };
}

/** A route's balance with the weights of the targets that are active. */
function balanceAmong(alias: RouteAlias, isActive: (target: Target) => boolean): RouteBalance | undefined {
  const { balance, targets } = alias;
  if (balance === undefined) return undefined;
  return {
    ...balance,
    weights: balance.weights.filter((_, index) => targets[index] !== undefined && isActive(targets[index])),
  };
}

function directRoute(table: RouteTable, asked: string, protocol: Protocol, pinned: string | undefined): ResolvedRoute {
  const target = pinned === undefined ? namedTarget(table, asked) : { provider: pinned, model: asked };
  if (target !== undefined) return { asked, baseline: target, targets: [target], balance: undefined };
  const vendor = table.vendorOfModel(asked);
  const candidates = [...table.providers.values()];
  const ofVendor = candidates.find((provider) => vendor !== undefined && provider.vendor === vendor);
  const ofProtocol = candidates.filter((provider) => provider.protocol === protocol);
  const chosen = ofVendor ?? (ofProtocol.length === 1 ? ofProtocol[0] : undefined);
  if (chosen === undefined) throw unknownModel(asked, ofProtocol);
  const plain = { provider: chosen.name, model: asked };
  return { asked, baseline: plain, targets: [plain], balance: undefined };
}

function namedTarget(table: RouteTable, asked: string): Target | undefined {
  const target = parseTarget(asked);
  return target !== undefined && table.providers.has(target.provider) ? target : undefined;
}

function unknownModel(asked: string, providers: readonly RouteProvider[]): FarthingError {
  const hint =
    providers.length === 0
      ? 'no provider of this protocol is active'
      : `name its provider: ${providers.map((provider) => `${provider.name}/${asked}`).join(' or ')}`;
  return new FarthingError('model-not-found', `the model "${asked}" is not known; ${hint}`, { param: 'model' });
}

function otherProtocol(asked: string, protocol: Protocol): FarthingError {
  const where = protocol === 'openai' ? '/v1/messages' : '/v1/chat/completions';
  return new FarthingError(
    'model-not-found',
    `the model "${asked}" does not speak this protocol; ask for it at ${where}`,
    {
      param: 'model',
    },
  );
}
