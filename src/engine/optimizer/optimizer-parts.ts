import type { PromptCacheRegime } from '../../core/model-catalogue.ts';
import { optimiserFingerprint } from '../../core/optimise/optimiser-fingerprint.ts';
import { DEFAULT_OPTIMIZE } from '../../core/optimize-policy.ts';
import { CacheKeySpread } from '../../core/prefix/cache-key-spread.ts';
import { TurnsToCome } from '../../core/prefix/turns-to-come.ts';
import { parseTarget } from '../../core/model/target.ts';
import { TokenCalibrator } from '../../middleware/calibrate/token-calibrator.ts';
import type { ChainOptions } from '../../middleware/chains.ts';
import type { Call, WarmTarget } from '../../middleware/compose.ts';
import { ImageFitter } from '../../middleware/optimise/fitted-images.ts';
import { PromptPlanner } from '../../middleware/optimise/prompt-plan.ts';
import { Conversations } from '../../middleware/prefix/conversations.ts';
import { PrefixWriters } from '../../middleware/prefix/prefix-writers.ts';
import { TargetPrefixes } from '../../middleware/prefix/target-prefixes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { Pricer } from '../../ports/pricer.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { MemoryStateStore } from '../../stores/memory/memory-state-store.ts';
import type { EngineMemory } from '../engine-memory.ts';
import { LearntStates } from '../learnt-states.ts';
import { shortHash } from '../short-hash.ts';
import { calibrationLearner } from './calibration-learner.ts';
import { conversationName } from './conversation-name.ts';
import { conversationPin } from './conversation-pin.ts';
import type { Optimizer } from './open-optimizer.ts';
import { RecurrenceLearner } from './recurrence-learner.ts';

/** What of an engine counts tokens, makes prompts cheaper and learns from traffic. @internal */
export interface OptimizerParts {
  /** All that is learnt, in its store. */
  readonly learnt: LearntStates;
  readonly calibrator: TokenCalibrator;
  readonly optimise: ChainOptions['optimise'];
  readonly prefix: ChainOptions['prefix'];
  /** Where the beginning of a call's prompt is cached. */
  readonly warmOf: (call: Call) => Promise<WarmTarget | undefined>;
  /** Names all that may change what a model answers; `''`: nothing does. */
  readonly fingerprint: string;
}

/** What {@link optimizerParts} are made from. @internal */
export interface OptimizerPorts {
  /** Undefined: prompts stay as they are. */
  readonly optimizer: Optimizer | undefined;
  readonly states: StateStore | undefined;
  readonly memory: Pick<EngineMemory, 'calibratedOneIn' | 'tokenizerOf'>;
  readonly pricer: Pricer;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** Targets whose prompt cache is known: callers name models, so their number is bounded. */
const MAX_TARGETS = 256;

/** Makes the parts. @internal */
export function optimizerParts(ports: OptimizerPorts): OptimizerParts {
  const { pricer, clock, events, memory } = ports;
  const store = ports.states ?? new MemoryStateStore({ clock });
  const learnt = new LearntStates({ store, clock, events });
  const calibrator: TokenCalibrator = new TokenCalibrator({
    tokenizerOf: memory.tokenizerOf,
    oneIn: memory.calibratedOneIn,
    vendorOf: (target) => pricer.vendorOf(target),
    events,
    onLearnt: () => calibration.changed(),
  });
  const calibration = learnt.keep(calibrationLearner(calibrator));
  const { policy } = ports.optimizer ?? { policy: DEFAULT_OPTIMIZE };
  const fingerprint = optimiserFingerprint(policy);
  const base = { learnt, calibrator, fingerprint };
  if (ports.optimizer === undefined || (fingerprint === '' && policy.promptCache === 'off')) {
    return { ...base, optimise: undefined, prefix: undefined, warmOf: () => Promise.resolve(undefined) };
  }
  const conversations = new Conversations({ store, isShared: ports.states !== undefined, clock, events });
  const turns = new TurnsToCome();
  return {
    ...base,
    optimise:
      fingerprint === ''
        ? undefined
        : optimiseOptions(ports, ports.optimizer, { conversations, turns, fingerprint, calibrator }),
    prefix: prefixOptions(ports, policy, { learnt, conversations, turns, fingerprint }),
    warmOf: (call) => warmTarget(conversations, conversationOf(call)),
  };
}

function conversationOf(call: Call): string {
  return conversationName(call, shortHash);
}

interface Shared {
  readonly conversations: Conversations;
  readonly turns: TurnsToCome;
  readonly fingerprint: string;
}

function optimiseOptions(
  { pricer, events, memory }: OptimizerPorts,
  { policy, htmlToMarkdown, fitImage }: Optimizer,
  { conversations, turns, fingerprint, calibrator }: Shared & { readonly calibrator: TokenCalibrator },
): NonNullable<ChainOptions['optimise']> {
  return {
    planner: new PromptPlanner(policy, htmlToMarkdown),
    images: fitImage && new ImageFitter(fitImage),
    tokenizerOf: memory.tokenizerOf,
    pinOf: async (call, attempt) => {
      const warm = await conversations.find(conversationOf(call));
      const price = pricer.inputRates(attempt.target, warm?.prefix.cachedTokens ?? 0, call.arrivedAtMs)?.input;
      return conversationPin(warm, attempt, fingerprint, turns, price);
    },
    billedForOne: (target) => calibrator.billedForOne(target),
    vendorOf: (target) => pricer.vendorOf(target),
    events,
  };
}

function prefixOptions(
  { pricer, clock, events }: OptimizerPorts,
  policy: Optimizer['policy'],
  { learnt, conversations, turns, fingerprint }: Shared & { readonly learnt: LearntStates },
): NonNullable<ChainOptions['prefix']> {
  const targets = new Map<string, TargetPrefixes>();
  const learner = new RecurrenceLearner(targets);
  const recurrence = learnt.keep(learner);
  return {
    plans: policy.promptCache === 'auto',
    maxWaitMs: policy.prefixWaitMs,
    optimizerVersion: fingerprint,
    prefixesOf: (target: string, regime: PromptCacheRegime) => {
      const known = targets.get(target);
      if (known !== undefined) return known;
      const made = new TargetPrefixes(regime, learner.storedOf(target));
      if (targets.size < MAX_TARGETS) targets.set(target, made);
      return made;
    },
    conversations,
    conversationOf,
    writers: new PrefixWriters(clock),
    keys: new CacheKeySpread(),
    turns,
    hash: shortHash,
    pricer,
    clock,
    events,
    onLearnt: () => recurrence.changed(),
  };
}

async function warmTarget(conversations: Conversations, conversation: string): Promise<WarmTarget | undefined> {
  const prefix = (await conversations.find(conversation))?.prefix;
  const target = prefix === undefined ? undefined : parseTarget(prefix.target);
  return prefix === undefined || target === undefined ? undefined : { target, keyIndex: prefix.keyIndex };
}
