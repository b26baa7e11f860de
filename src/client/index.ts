/**
 * Farthing as a library: {@link createFarthing} makes an engine inside this process; {@link CostOptimizedLLM}, {@link CachedLLMClient},
 * {@link BatchProcessor}, {@link PromptOptimizer} and {@link ResponseCache} are its faces, each usable alone. Nothing here loads a server or a database: SQLite is loaded with the first call where `storage` is set.
 * @packageDocumentation
 */
export { BatchProcessor } from './batch/batch-processor.ts';
export type { BatchOutcome, BatchProcessorOptions, BatchRun, BatchRunOptions } from './batch/batch-processor.ts';
export type { BatchEstimate, EstimatedCost } from './batch/batch-estimate.ts';
export type { BatchItem, BatchPrompt, BatchRequest } from './batch/batch-item.ts';
export type { BatchAnswer, BatchFailure, BatchResult } from './batch/batch-result.ts';
export type { BatchEngine } from './batch/item-call.ts';
export type { BatchProgress, BatchSummary } from './batch/run-tally.ts';
export { CachedLLMClient } from './cached-llm-client.ts';
export type {
  CachedCompleteOptions,
  CachedCompletion,
  CachedLLMClientOptions,
  CachedLLMClientStats,
  LLMMessage,
} from './cached-llm-client.ts';
export type {
  AnthropicMessagesClient,
  ClientCallOptions,
  FunctionClient,
  LLMClient,
  OpenAIChatClient,
} from './client-provider.ts';
export type { Completion } from './completion.ts';
export { CostOptimizedLLM } from './cost-optimized-llm.ts';
export type { CompleteOptions, CostOptimizedLLMOptions } from './cost-optimized-llm.ts';
export { createFarthing } from './create-farthing.ts';
export type { Farthing, FarthingOptions, LibraryCache, LibraryCall } from './create-farthing.ts';
export type { LibraryBudget } from './library-budget.ts';
export type { LibraryModel } from './library-models.ts';
export type { LibraryCheck, LibraryJudge, LibraryQuality, LibraryRoute } from './library-routes.ts';
export type { LibraryProvider } from './provider-origins.ts';
export { PromptOptimizer } from './prompt-optimizer.ts';
export type {
  CompressedPrompt,
  PromptInput,
  PromptLike,
  PromptOptimizerOptions,
  SummarizedContext,
  TightenedSystemPrompt,
  TokenCount,
  TruncatedPrompt,
} from './prompt-optimizer.ts';
export type { SkippedText } from './optimizer/compress-subject.ts';
export type { NoSummaryReason } from './optimizer/context-summary.ts';
export type {
  CompressOptions,
  CountOptions,
  ExtractionBudget,
  SummarizeOptions,
  TruncateOptions,
} from './optimizer/prompt-options.ts';
export type { PromptDiff, PromptStep, ShortenedPrompt } from './optimizer/shortened-subject.ts';
export { ResponseCache } from './response-cache.ts';
export type { ResponseCacheOptions, ResponseCacheStats, SetOptions } from './response-cache.ts';
export type { CompressionLevel } from '../core/compress/compression.ts';
export { diffText } from '../core/compress/diff-text.ts';
export type { TextChange } from '../core/compress/step-changes.ts';
export type { Contradiction, StatedAt } from '../core/compress/system/contradictions.ts';
export type { DiffPart } from '../core/compress/text-diff.ts';
export type { TruncationKeep } from '../core/compress/truncate-to-tokens.ts';
export type { LostFacts } from '../core/conversation/lost-facts.ts';
export type { SummaryWorth } from '../core/conversation/summary-worth.ts';
export type { ExtractionSkip } from '../core/optimise/compressed-text.ts';
export { FarthingError, isFarthingError } from '../core/errors.ts';
export type { ErrorCode, ErrorDetails } from '../core/errors.ts';
export { formatUsd, parseUsd } from '../core/money.ts';
export type { NanoUsd } from '../core/money.ts';
export type { ActiveCacheMode, CacheMode } from '../core/cacheability.ts';
export type {
  AccountState,
  BucketAmounts,
  ExchangeReply,
  ExchangeRequest,
  OwnerShare,
} from '../core/budget/account-state.ts';
export type { AccountId, Budget, BudgetScope, BudgetWindow, SpendingFacts } from '../core/budget/budget.ts';
export type { BudgetAlert } from '../core/budget/budget-alert.ts';
export type { CallLimits } from '../core/limit/call-limits.ts';
export type { PaceNotice, ProviderLimits, StatedLimit } from '../core/limit/provider-limits.ts';
export type { CallPriority } from '../core/model/call-priority.ts';
export type { Caller, Tags } from '../core/model/caller.ts';
export type { CacheEntry, CacheKey, EntryTimes, ReplyForm } from '../core/model/cache-entry.ts';
export type { AttemptKind, CacheStatus, CallRecord, Charge, ChargeCertainty, Intent } from '../core/model/charge.ts';
export type { Decision } from '../core/model/decision.ts';
export type { Endpoint, Protocol } from '../core/model/protocol.ts';
export type { Finish } from '../core/model/reply.ts';
export type { Target } from '../core/model/target.ts';
export type { RouteFacts, RouteReason } from '../core/model/route-facts.ts';
export { RESOURCE_KINDS, type ResourceClaim, type ResourceKind } from '../core/model/resource.ts';
export { inputTokensOf, outputTokensOf } from '../core/model/usage.ts';
export { type ServedTerms, type Usage, USAGE_BUCKETS, type UsageBucket } from '../core/model/usage.ts';
export type { OperatorPrice } from '../core/price-operator.ts';
export { DEFAULT_OPTIMIZE, type ExtractPolicy, type OptimizePolicy } from '../core/optimize-policy.ts';
export { DEFAULT_RESILIENCE, type HedgePolicy, type ResiliencePolicy } from '../core/resilience/resilience-policy.ts';
export type { CooldownPolicy } from '../core/resilience/target-health.ts';
export { DEFAULT_QUALITY, type Judge, type QualityPolicy } from '../core/guard/quality-policy.ts';
export type { RouteMatch } from '../core/route/route-rule.ts';
export type { AnswerCheck, AnswerForm, AnswerTest } from '../core/verify/answer-check.ts';
export type { AnsweredToolCall, AnswerView } from '../core/verify/answer-view.ts';
export { SAVING_STEPS, type SavingParts, type SavingStep } from '../core/savings.ts';
export { DEFAULT_BUDGET_POLICY, DEFAULT_MAX_ENTRY_BYTES, type EngineCache } from '../engine/engine-options.ts';
export type { BudgetPolicy } from '../middleware/budget/budget.ts';
export type { Purse } from '../middleware/compose.ts';
export { systemClock } from '../engine/system-ports.ts';
export type {
  BudgetOwner,
  BudgetStanding,
  BudgetStore,
  BudgetStoreUpkeep,
  ExchangeTerms,
  FoldTerms,
  StoreReply,
} from '../ports/budget-store.ts';
export type {
  CacheSelector,
  CacheStore,
  CacheStoreStats,
  ForgetfulCacheStore,
  MeasuredCacheStore,
  PeekableCacheStore,
  SettlingCacheStore,
  SnapshotCacheStore,
} from '../ports/cache-store.ts';
export type {
  Announcement,
  AnnouncementBoard,
  BudgetAdjustment,
  BudgetBook,
  ControlStore,
} from '../ports/control-store.ts';
export type { Clock, Random } from '../ports/clock.ts';
export type { EngineEvent } from '../ports/event-sink.ts';
export type { KeyRecord, KeyStore } from '../ports/key-store.ts';
export type {
  ChargeReceipt,
  Ledger,
  LedgerOwner,
  LedgerQuery,
  LedgerReader,
  ReportDimension,
  ReportRow,
  SpendingQuery,
  SpendingReader,
  SpendingRow,
} from '../ports/ledger.ts';
export type { LeaseStore } from '../ports/lease-store.ts';
export type { BucketClaim, BucketGrant, BucketTerms, LimitStore, PermitClaim } from '../ports/limit-store.ts';
export type { ResourceQuery, ResourceRegistry } from '../ports/resource-registry.ts';
export type { ReplyHead, ReplySink } from '../ports/reply-sink.ts';
export { encryptedCacheStore } from '../stores/encrypted/encrypted-cache-store.ts';
export type { EncryptedCacheOptions } from '../stores/encrypted/encrypted-cache-store.ts';
export { MemoryCacheStore } from '../stores/memory/memory-cache-store.ts';
export type { MemoryCacheStoreOptions } from '../stores/memory/memory-cache-store.ts';
export { MemoryLedger } from '../stores/memory-ledger/memory-ledger.ts';
export type { MemoryLedgerOptions } from '../stores/memory-ledger/memory-ledger.ts';
export { TieredCacheStore } from '../stores/tiered/tiered-cache-store.ts';
export type { TieredCacheStoreOptions, TieredOperation } from '../stores/tiered/tiered-cache-store.ts';
