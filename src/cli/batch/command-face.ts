import type { BatchEngine } from '../../client/batch/item-call.ts';
import type { LibraryBatches } from '../../client/library-batches.ts';
import { vendorOfModel } from '../../core/model-catalogue.ts';
import { parseTarget } from '../../core/model/target.ts';
import type { RouteTable } from '../../core/route/route-table.ts';
import type { Engine } from '../../engine/engine-request.ts';
import { COMMAND_CALLER } from './item-checks.ts';

/** An engine as a run asks it: for the project of the command line. @internal */
export function commandFace(engine: Engine, table: RouteTable, batches: () => Promise<LibraryBatches>): BatchEngine {
  return {
    handle: (call, sink) => engine.handle({ ...call, caller: COMMAND_CALLER }, sink),
    callRecord: (callId) => engine.callRecord(callId, COMMAND_CALLER.project),
    protocolOf: (model) => protocolOf(table, model),
    batches,
  };
}

/** Which protocol a model is asked in. @internal */
export function protocolOf(table: RouteTable, model: string): ReturnType<BatchEngine['protocolOf']> {
  const target = table.aliases.get(model)?.targets[0] ?? parseTarget(model);
  const provider = target === undefined ? undefined : table.providers.get(target.provider);
  if (provider !== undefined) return provider.protocol;
  const vendor = vendorOfModel(model);
  const ofVendor = [...table.providers.values()].find((each) => vendor !== undefined && each.vendor === vendor);
  // A plain name that no catalogue has goes to the one provider there is.
  const [only] = table.providers.size === 1 ? table.providers.values() : [];
  return (ofVendor ?? only)?.protocol ?? (vendor === 'anthropic' ? 'anthropic' : 'openai');
}
