import { isFarthingError } from '../core/errors.ts';
import { modelFacts, modelsOf } from '../core/model-catalogue.ts';
import type { Caller } from '../core/model/caller.ts';
import type { Protocol } from '../core/model/protocol.ts';
import { parseTarget } from '../core/model/target.ts';
import { resolveRoute, type RouteTable } from '../core/route/route-table.ts';
import type { ListedModel } from '../wire/models-list.ts';

/**
 * The models that a caller may ask for in a protocol: aliases first, then what the catalogue knows of each active provider. Other
 * models may be asked for as `provider/model`, but nobody can list them.
 * @internal
 */
export function listedModels(table: RouteTable, protocol: Protocol, caller: Caller): readonly ListedModel[] {
  return candidates(table).filter(({ id }) => mayAsk(table, id, protocol, caller));
}

/** One of them, by its name or as `provider/model`; undefined when the caller may not ask for it. @internal */
export function listedModel(
  table: RouteTable,
  id: string,
  protocol: Protocol,
  caller: Caller,
): ListedModel | undefined {
  const target = parseTarget(id);
  const known = candidates(table).find(
    (model) =>
      model.id === id || (target !== undefined && model.id === target.model && model.ownedBy === target.provider),
  );
  if (known === undefined || !mayAsk(table, id, protocol, caller)) return undefined;
  return { ...known, id };
}

function candidates(table: RouteTable): readonly ListedModel[] {
  const listed = new Map<string, ListedModel>();
  for (const alias of table.aliases.keys()) listed.set(alias, { id: alias, ownedBy: 'farthing' });
  for (const { name, vendor } of table.providers.values()) {
    if (vendor === undefined) continue;
    for (const id of modelsOf(vendor)) if (!listed.has(id)) listed.set(id, catalogued(id, name, vendor));
  }
  return [...listed.values()];
}

function catalogued(id: string, ownedBy: string, vendor: string): ListedModel {
  const facts = modelFacts(vendor, id);
  return {
    id,
    ownedBy,
    ...(facts?.contextWindowTokens === undefined ? {} : { contextWindowTokens: facts.contextWindowTokens }),
    ...(facts?.maxOutputTokens === undefined ? {} : { maxOutputTokens: facts.maxOutputTokens }),
  };
}

function mayAsk(table: RouteTable, id: string, protocol: Protocol, caller: Caller): boolean {
  try {
    resolveRoute(table, id, protocol, caller);
    return true;
  } catch (error) {
    if (isFarthingError(error)) return false;
    throw error;
  }
}
