import type { Endpoint } from '../model/protocol.ts';
import type { TokenProfile, TokenRules } from './token-profile.ts';
import { TOKEN_RULES, type TokenRulesRow, UNKNOWN_RULES } from './token-rules.ts';

/** Whom a prompt goes to. @public */
export interface TokenTarget {
  /** As the provider calls it, with or without a vendor in front. */
  readonly model: string;
  /** The vendor whose API it is, by the names of the price book (`groq`), or `google-vertex`. */
  readonly provider?: string | undefined;
  /** Where it is asked. */
  readonly endpoint?: Endpoint | undefined;
}

/** How Bedrock names a model: a region or none, and the vendor (`us.anthropic.claude-…`, `qwen.qwen3-…`). */
const BEDROCK_VENDOR = /^(?:(?:us|eu|apac|jp|au|global|us-gov)\.)?[a-z0-9]+\.(?=[a-z])/;

const LONGEST_BEGINNING = Math.max(...TOKEN_RULES.flatMap(({ models }) => models.map((model) => model.length)));

/** All rows by the beginnings of their models, for a look-up that does not grow with the table. */
const ROWS_BY_BEGINNING: ReadonlyMap<string, readonly TokenRulesRow[]> = rowsByBeginning();

function rowsByBeginning(): ReadonlyMap<string, readonly TokenRulesRow[]> {
  const rows = new Map<string, TokenRulesRow[]>();
  for (const row of TOKEN_RULES) {
    for (const model of row.models) rows.set(model, [...(rows.get(model) ?? []), row]);
  }
  return rows;
}

/**
 * By which rules a target's input tokens are counted. Models that are not known are taken to be like the newest known ones of their family; other
 * vendors' models count by rules for the unknown, which only calibration makes good.
 * @public
 */
export function profileOfModel({ model, provider, endpoint }: TokenTarget): TokenProfile {
  const name = plainName(model);
  let found: TokenRules | undefined;
  for (let length = Math.min(name.length, LONGEST_BEGINNING); length >= 0; length -= 1) {
    for (const row of ROWS_BY_BEGINNING.get(name.slice(0, length)) ?? []) {
      const isOthers = (row.provider ?? provider) !== provider || (row.endpoint ?? endpoint) !== endpoint;
      if (isOthers) continue;
      const isOwn = row.provider !== undefined || row.endpoint !== undefined;
      if (isOwn) return { ...row.rules, model: name };
      found ??= row.rules;
    }
  }
  return { ...(found ?? UNKNOWN_RULES), model: name };
}

/** `ft:gpt-4o-mini:…`, `models/gemini-…`, `openai/gpt-…:free` and Bedrock's names, without what stands around the model. */
function plainName(model: string): string {
  const own = model.toLowerCase();
  const name = own
    .slice(own.lastIndexOf('/') + 1)
    .replace(/^ft:/, '')
    .replace(BEDROCK_VENDOR, '');
  return name.startsWith('claude-') ? name.replaceAll('.', '-') : name;
}
