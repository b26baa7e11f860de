/** A model at a provider: `openai/gpt-5.4-mini`. @public */
export interface Target {
  readonly provider: string;
  readonly model: string;
}

/**
 * Splits `provider/model` at the first slash, so `backup/openai/gpt-5.4-mini` is a model of provider `backup`.
 * @returns undefined when there is no slash or one side is empty.
 * @public
 */
export function parseTarget(text: string): Target | undefined {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) return undefined;
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) };
}

/** Writes a target as `provider/model`. @public */
export function formatTarget(target: Target): string {
  return `${target.provider}/${target.model}`;
}
