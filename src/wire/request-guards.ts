import { FarthingError } from '../core/errors.ts';

/** An object of a JSON body. @internal */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Refuses a request because of one of its fields.
 * @param fault - What is wrong, to stand behind the field's name. Must not hold the field's value.
 * @internal
 */
export function refuse(param: string, fault: string): never {
  throw new FarthingError('invalid-request', `\`${param}\` ${fault}`, { param });
}

/** @internal */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether an optional field is left out; the official clients send `null` for "not set" as well. @internal */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** Refuses anything but a boolean or nothing. @internal */
export function checkBoolean(body: JsonObject, name: string): void {
  const value = body[name];
  if (!isAbsent(value) && typeof value !== 'boolean') refuse(name, 'must be true or false');
}

/** Refuses anything but finite numbers or nothing. @internal */
export function checkNumbers(body: JsonObject, names: readonly string[]): void {
  for (const name of names) {
    const value = body[name];
    if (!isAbsent(value) && !Number.isFinite(value)) refuse(name, 'must be a number');
  }
}

/** Takes a whole number that is at least `least`; undefined where there is none. @internal */
export function wholeNumber(body: JsonObject, name: string, least: number): number | undefined {
  const value = body[name];
  if (isAbsent(value)) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  return refuse(name, `must be a whole number of at least ${least}`);
}

/** Refuses anything but an object or nothing. @internal */
export function checkObject(body: JsonObject, name: string): void {
  const value = body[name];
  if (!isAbsent(value) && !isObject(value)) refuse(name, 'must be an object');
}

/** Refuses anything but an array of objects or nothing. @internal */
export function checkObjects(body: JsonObject, name: string): void {
  const value = body[name];
  if (isAbsent(value)) return;
  if (!Array.isArray(value)) refuse(name, 'must be an array');
  for (let index = 0; index < value.length; index += 1) {
    if (!isObject(value[index])) refuse(`${name}[${index}]`, 'must be an object');
  }
}

/** Takes a string, an array, or nothing; refuses the rest. @internal */
export function textOrParts(value: unknown, param: string): string | readonly unknown[] | undefined {
  if (isAbsent(value)) return undefined;
  if (typeof value === 'string' || Array.isArray(value)) return value;
  return refuse(param, 'must be a string or an array');
}

/** Refuses anything but a filled array of at most `maxMessages` objects, each with a role and sound content. @internal */
export function checkMessages(body: JsonObject, maxMessages: number, isContentRequired: boolean): void {
  const { messages } = body;
  if (isAbsent(messages)) refuse('messages', 'is required');
  if (!Array.isArray(messages)) refuse('messages', 'must be an array');
  if (messages.length === 0) refuse('messages', 'must not be empty');
  if (messages.length > maxMessages) refuse('messages', `must have at most ${maxMessages} entries`);
  for (let index = 0; index < messages.length; index += 1) {
    const message: unknown = messages[index];
    if (!isObject(message)) refuse(`messages[${index}]`, 'must be an object');
    if (typeof message['role'] !== 'string') refuse(`messages[${index}].role`, 'must be a string');
    const { content } = message;
    if (typeof content === 'string' || Array.isArray(content) || (!isContentRequired && isAbsent(content))) continue;
    refuse(`messages[${index}].content`, isAbsent(content) ? 'is required' : 'must be a string or an array');
  }
}
