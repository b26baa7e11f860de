import { Counter, Gauge, type Registry } from 'prom-client';
import type { EngineEvent } from '../ports/event-sink.ts';

const NANO_PER_USD = 1e9;

/** How a candidate of a route stands when metrics are asked for. @internal */
export interface RouteFigures {
  readonly route: string;
  readonly candidates: readonly {
    /** `provider/model`, or `cascade`. */
    readonly name: string;
    readonly isCertified: boolean;
    /** Undefined while there are no samples. */
    readonly meanLoss: number | undefined;
  }[];
}

/** Figures of routes whose quality is guarded. Names of routes and their targets are the operator's, and few. @internal */
export class RouteMetrics {
  readonly #samples: Counter<'route' | 'outcome'>;
  /** Nano-dollars by route: whole numbers add up exactly. */
  readonly #costs = new Map<string, number>();
  #read: () => readonly RouteFigures[] = () => [];

  constructor(registers: Registry[]) {
    this.#samples = new Counter({
      name: 'farthing_route_samples_total',
      help: 'Calls drawn for the guard, by what came of them: judged, or why not.',
      labelNames: ['route', 'outcome'],
      registers,
    });
    const cost: Counter<'route'> = new Counter({
      name: 'farthing_route_guard_cost_usd_total',
      help: 'What shadows and judges of the guard cost, in dollars.',
      labelNames: ['route'],
      registers,
      collect: () => {
        cost.reset();
        for (const [route, nanoUsd] of this.#costs) cost.inc({ route }, nanoUsd / NANO_PER_USD);
      },
    });
    this.#addGauge(
      'farthing_route_certified',
      'Whether a cheaper target of a route is certified: 1 or 0.',
      registers,
      (figures) => Number(figures.isCertified),
    );
    this.#addGauge(
      'farthing_route_mean_loss',
      'Mean loss of quality of a cheaper target against the strong one, over the samples since its last calibration began.',
      registers,
      (figures) => figures.meanLoss,
    );
  }

  /** Reads how routes stand from here from now on. */
  watch(read: () => readonly RouteFigures[]): void {
    this.#read = read;
  }

  emit(event: Extract<EngineEvent, { readonly kind: 'route-sampled' }>): void {
    this.#samples.inc({ route: event.route, outcome: event.outcome });
    if (event.costNanoUsd > 0) this.#costs.set(event.route, (this.#costs.get(event.route) ?? 0) + event.costNanoUsd);
  }

  #addGauge(
    name: string,
    help: string,
    registers: Registry[],
    valueOf: (figures: RouteFigures['candidates'][number]) => number | undefined,
  ): void {
    const gauge: Gauge<'route' | 'target'> = new Gauge({
      name,
      help,
      labelNames: ['route', 'target'],
      // Workers share what they know: their sum would be wrong.
      aggregator: 'max',
      registers,
      collect: () => {
        gauge.reset();
        for (const { route, candidates } of this.#read()) {
          for (const figures of candidates) {
            const value = valueOf(figures);
            if (value !== undefined) gauge.set({ route, target: figures.name }, value);
          }
        }
      },
    });
  }
}
