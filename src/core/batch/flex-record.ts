/** How flex fared lately. Plain data. @public */
export interface FlexRecord {
  /** Calls that asked for it; older ones count less. */
  readonly asked: number;
  /** Those that it had no room for. */
  readonly refused: number;
}

/** Nothing is known of flex yet. @public */
export const NO_FLEX: FlexRecord = { asked: 0, refused: 0 };

/** What each call makes of the weight of those before it: the last fifty count. Ours: capacity comes and goes within hours. */
const REMEMBERED_RATIO = 0.98;

/** What is assumed before anything is known: one of four finds no room. Ours: OpenAI says only that it may happen. */
const PRIOR: FlexRecord = { asked: 4, refused: 1 };

/** What is known after one more call. @public */
export function flexAsked({ asked, refused }: FlexRecord, wasRefused: boolean): FlexRecord {
  return { asked: asked * REMEMBERED_RATIO + 1, refused: refused * REMEMBERED_RATIO + Number(wasRefused) };
}

/** The part of calls that flex is expected to have no room for. @public */
export function flexFailureRatio({ asked, refused }: FlexRecord): number {
  return (refused + PRIOR.refused) / (asked + PRIOR.asked);
}
