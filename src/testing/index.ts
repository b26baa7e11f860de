/**
 * For tests of programs that use Farthing, and for those who write stores of their own: a simulated provider with an exact invoice, an
 * upstream that replays recordings, one that fails in every way that real ones do, time and chance that repeat, and the suites that every store must pass.
 * @packageDocumentation
 */
export { budgetStoreConformance } from './budget-store-conformance.ts';
export type { OpenBudgetStores } from './budget-store-conformance.ts';
export type { KeptBudgetStore } from './budget-store-steps.ts';
export { CACHE_STORE_CASES, testCacheEntry, testCacheKey } from './cache-store-conformance.ts';
export type { CacheStoreCase, CacheStoreHarness } from './cache-store-conformance.ts';
export type { ConformanceCase } from './conformance-case.ts';
export { controlStoreConformance } from './control-store-conformance.ts';
export { FakeClock } from './fake-clock.ts';
export { startFaultyUpstream } from './faulty-upstream.ts';
export type { FaultyUpstream, FaultyUpstreamOptions, UpstreamCounters, UpstreamDeparture } from './faulty-upstream.ts';
export { jobStoreConformance } from './job-store-conformance.ts';
export { keyStoreConformance } from './key-store-conformance.ts';
export { leaseStoreConformance } from './lease-store-conformance.ts';
export type { LeaseStoreHarness } from './lease-store-conformance.ts';
export { ledgerConformance } from './ledger-conformance.ts';
export type { ReadableLedger } from './ledger-conformance.ts';
export { ledgerOwnerConformance } from './ledger-owner-conformance.ts';
export type { LedgerStorage, OwnedLedger } from './ledger-owner-stage.ts';
export { limitStoreConformance } from './limit-store-conformance.ts';
export type { OpenLimitStores } from './limit-store-conformance.ts';
export type { ReplayChunking } from './replay-chunks.ts';
export { startReplayUpstream } from './replay-upstream.ts';
export type { ReplayRecording, ReplayUpstream, ReplayUpstreamOptions } from './replay-upstream.ts';
export { resourceRegistryConformance } from './resource-registry-conformance.ts';
export { sampleBatch, sampleDeferredCall, sampleJob, sampleJobResult } from './sample-jobs.ts';
export { sampleCallRecord, sampleCharge, sampleIntent } from './sample-ledger-rows.ts';
export { stateStoreConformance } from './state-store-conformance.ts';
export type { StateStoreHarness } from './state-store-conformance.ts';
export { BATCH_ATTEMPT } from '../core/model/deferred-call.ts';
export type {
  DeferredCall,
  Job,
  JobResult,
  JobState,
  JobWay,
  QueueName,
  UnansweredPolicy,
} from '../core/model/deferred-call.ts';
export type { BatchStage, ClientBatch, ProviderBatch } from '../core/model/provider-batch.ts';
export type {
  BatchBook,
  BatchQuery,
  BatchRoom,
  JobChange,
  JobQuery,
  JobQueue,
  Jobs,
  JobStore,
  QueueSummary,
  WorkLease,
} from '../ports/job-store.ts';
export type { RemovedTokens } from '../core/optimise/usage-without.ts';
export type { StateStore, StateTerms, StateWrite, StoredState } from '../ports/state-store.ts';
export { seededRandom } from '../simulator/seeded-random.ts';
export type { Exchange, Provider, ProviderListener, ProviderRequest as SentRequest } from '../ports/provider.ts';
export { simulatedBatchProvider } from './simulated-batch-provider.ts';
export type { SimulatedBatchProvider, SimulatedBatchProviderOptions } from './simulated-batch-provider.ts';
export type { BatchFault, BatchOperation, SimulatedBatchOptions } from '../simulator/batch/batch-options.ts';
export type { BatchPhase } from '../simulator/batch/simulated-batch.ts';
export type { BatchRowFacts, SimulatedBatchFacts } from '../simulator/batch/simulated-batches.ts';
export type { ProviderBehaviour, ProviderBooks } from '../simulator/provider-core.ts';
export type { RateLimitUse, SimulatedRateLimits } from '../simulator/rate-limits.ts';
export { startSimulatedProvider } from '../simulator/simulated-provider.ts';
export type {
  JournalEntry,
  ProviderCounters,
  SimulatedProvider,
  SimulatedProviderOptions,
} from '../simulator/simulated-provider.ts';
export type {
  BilledTier,
  Invoice,
  InvoiceLine,
  SimulatedPrices,
  TierLine,
  TierRatios,
} from '../simulator/provider-invoice.ts';
export type { ProviderRequest } from '../simulator/provider-request.ts';
export type { ScriptedFault } from '../simulator/scripted-fault.ts';
export { readAnswer } from './upstream/answer-reader.ts';
export type { AskedAnswer, ReadableReply, SeenAnswer } from './upstream/answer-reader.ts';
export { expectedAnswer, expectedInputTokens, expectedUsage, expectedVector } from './upstream/expected-answer.ts';
export type { AnswerShape, AnswerUsage } from './upstream/expected-answer.ts';
export type { ProviderErrorKind } from './upstream/provider-errors.ts';
export type { CutEnding, FaultShare, ReplyPlace, UpstreamFault } from './upstream/upstream-fault.ts';
