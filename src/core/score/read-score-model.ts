import { FarthingError } from '../errors.ts';
import { DRIFT_MEASURES } from './drift-measures.ts';
import type { PackedNumbers } from './packed-numbers.ts';
import { preparedScore } from './prepared-score.ts';
import { scoreId } from './score-id.ts';
import type { CertifiedThreshold, DriftParameters, PackedHead, ScoreModel, ScoreParameters } from './score-model.ts';
import { SHAPE_SIZE } from './text-features.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a score that `farthing routes train` wrote, and makes it ready to use.
 * @param value - parsed JSON.
 * @throws FarthingError `configuration`, naming what is wrong: it is no score, was made by another version, or was changed since it was written.
 * @public
 */
export function readScoreModel(value: unknown): ScoreModel {
  const fields = fieldsAt(value, '');
  if (fields['version'] !== 1) {
    throw fault('version', 'is not 1, which is all that this version of Farthing reads; train the score again');
  }
  const content: Omit<ScoreModel, 'id'> = {
    version: 1,
    targets: targetsAt(fields['targets']),
    categoryTag: fields['categoryTag'] === null ? null : textAt(fields['categoryTag'], 'categoryTag'),
    pairs: pairsAt(fields['pairs']),
    apgr: fields['apgr'] === null ? null : apgrAt(fields['apgr']),
    certified: fields['certified'] === null ? null : certifiedAt(fields['certified']),
    parameters: parametersAt(fields['parameters']),
  };
  const id = textAt(fields['id'], 'id');
  if (id !== scoreId(content)) {
    throw fault(
      'id',
      'does not fit the rest: the file was changed since it was written. A threshold of your own is stated on the route',
    );
  }
  preparedScore(content.parameters);
  const { version, ...rest } = content;
  return { version, id, ...rest };
}

function targetsAt(value: unknown): ScoreModel['targets'] {
  const fields = fieldsAt(value, 'targets');
  return { cheap: textAt(fields['cheap'], 'targets.cheap'), strong: textAt(fields['strong'], 'targets.strong') };
}

function pairsAt(value: unknown): ScoreModel['pairs'] {
  const fields = fieldsAt(value, 'pairs');
  return { trained: countAt(fields['trained'], 'pairs.trained'), heldOut: countAt(fields['heldOut'], 'pairs.heldOut') };
}

function apgrAt(value: unknown): NonNullable<ScoreModel['apgr']> {
  const fields = fieldsAt(value, 'apgr');
  return {
    value: numberAt(fields['value'], 'apgr.value'),
    low: numberAt(fields['low'], 'apgr.low'),
    high: numberAt(fields['high'], 'apgr.high'),
  };
}

function certifiedAt(value: unknown): CertifiedThreshold {
  const fields = fieldsAt(value, 'certified');
  return {
    threshold: numberAt(fields['threshold'], 'certified.threshold'),
    maxQualityLoss: ratioAt(fields['maxQualityLoss'], 'certified.maxQualityLoss'),
    confidenceRatio: ratioAt(fields['confidenceRatio'], 'certified.confidenceRatio'),
    pairs: countAt(fields['pairs'], 'certified.pairs'),
    cheapRatio: ratioAt(fields['cheapRatio'], 'certified.cheapRatio'),
  };
}

function parametersAt(value: unknown): ScoreParameters {
  const where = 'parameters';
  const fields = fieldsAt(value, where);
  const scale = fieldsAt(fields['scale'], `${where}.scale`);
  const categories = listAt(fields['categories'], `${where}.categories`);
  return {
    scale: {
      means: numbersAt(scale['means'], `${where}.scale.means`, SHAPE_SIZE),
      deviations: positivesAt(scale['deviations'], `${where}.scale.deviations`, SHAPE_SIZE),
    },
    categories: categories.map((category, at) => textAt(category, `${where}.categories[${at}]`)),
    buckets: packedAt(fields['buckets'], `${where}.buckets`),
    cheap: headAt(fields['cheap'], `${where}.cheap`),
    strong: headAt(fields['strong'], `${where}.strong`),
    drift: driftAt(fields['drift'], `${where}.drift`),
  };
}

function headAt(value: unknown, where: string): PackedHead {
  const fields = fieldsAt(value, where);
  return {
    bias: numberAt(fields['bias'], `${where}.bias`),
    shape: numbersAt(fields['shape'], `${where}.shape`, SHAPE_SIZE),
    weights: packedNumbersAt(fields['weights'], `${where}.weights`),
  };
}

function driftAt(value: unknown, where: string): DriftParameters {
  const fields = fieldsAt(value, where);
  return {
    seen: packedAt(fields['seen'], `${where}.seen`),
    common: packedAt(fields['common'], `${where}.common`),
    centre: packedNumbersAt(fields['centre'], `${where}.centre`),
    precision: numbersAt(fields['precision'], `${where}.precision`, SHAPE_SIZE * SHAPE_SIZE),
    middles: numbersAt(fields['middles'], `${where}.middles`, DRIFT_MEASURES),
    spreads: positivesAt(fields['spreads'], `${where}.spreads`, DRIFT_MEASURES),
  };
}

function packedNumbersAt(value: unknown, where: string): PackedNumbers {
  const fields = fieldsAt(value, where);
  return { unit: numberAt(fields['unit'], `${where}.unit`), steps: packedAt(fields['steps'], `${where}.steps`) };
}

function fault(where: string, what: string): FarthingError {
  return new FarthingError('configuration', `score: ${where === '' ? '' : `${where}: `}${what}`);
}

function fieldsAt(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault(where, 'is not an object');
  return value as Fields;
}

function listAt(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw fault(where, 'is not a list');
  return value;
}

function packedAt(value: unknown, where: string): string {
  if (typeof value !== 'string') throw fault(where, 'is not a text');
  return value;
}

function textAt(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '') throw fault(where, 'is not a text');
  return value;
}

function numberAt(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw fault(where, 'is not a number');
  return value;
}

function countAt(value: unknown, where: string): number {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw fault(where, 'is not a whole number from 0');
  return Number(value);
}

function ratioAt(value: unknown, where: string): number {
  const ratio = numberAt(value, where);
  if (ratio < 0 || ratio > 1) throw fault(where, 'is not from 0 to 1');
  return ratio;
}

function numbersAt(value: unknown, where: string, size: number): readonly number[] {
  const list = listAt(value, where);
  if (list.length !== size) throw fault(where, `does not hold ${size} numbers`);
  return list.map((item, at) => numberAt(item, `${where}[${at}]`));
}

function positivesAt(value: unknown, where: string, size: number): readonly number[] {
  const numbers = numbersAt(value, where, size);
  const place = numbers.findIndex((number) => number <= 0);
  if (place >= 0) throw fault(`${where}[${place}]`, 'is not above 0');
  return numbers;
}
