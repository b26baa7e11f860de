/** A trained score, as `farthing routes train` writes it. Plain data. @public */
export interface ScoreModel {
  readonly version: 1;
}
