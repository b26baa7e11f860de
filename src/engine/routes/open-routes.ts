import type { RouteRule } from '../../core/route/route-rule.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { GuardBook } from '../guard/guard-book.ts';
import { type LanguageOf, openLanguageOf } from '../language-of.ts';

/** Rules with what they need. @public */
export interface Routes {
  readonly rules: readonly RouteRule[];
  /** What is known of the quality of routes; undefined where none has any to keep. */
  readonly guard: GuardBook | undefined;
  /** Undefined where no rule names a language. */
  readonly languageOf: LanguageOf | undefined;
}

/** What {@link openRoutes} works with. @public */
export interface OpenRoutesOptions {
  readonly rules: readonly RouteRule[];
  /** Where the guard keeps what it learnt, shared by all processes of one gateway. It stays open. @defaultValue it ends with this process */
  readonly store?: StateStore | undefined;
  readonly clock: Clock;
  readonly events: EventSink;
}

/**
 * Loads what routes need beside this package (`eld` where a rule names a language), and what the guard has learnt.
 * @returns undefined where there are no rules. Whoever opens routes closes their guard, after the engine.
 * @throws FarthingError `configuration` that names the package to install.
 * @public
 */
export async function openRoutes({ rules, store, clock, events }: OpenRoutesOptions): Promise<Routes | undefined> {
  if (rules.length === 0) return undefined;
  const readsLanguages = rules.some(({ match }) => match.languages !== undefined);
  const languageOf = readsLanguages ? await openLanguageOf() : undefined;
  return { rules, guard: await openGuard({ rules, store, clock, events }), languageOf };
}

async function openGuard({ rules, ...ports }: OpenRoutesOptions): Promise<GuardBook | undefined> {
  if (rules.every(({ quality }) => quality === undefined)) return undefined;
  const { GuardBook } = await import('../guard/guard-book.ts');
  const guard = new GuardBook({ routes: rules, ...ports });
  await guard.load();
  return guard;
}
