import { type Command, Option } from 'commander';
import { FarthingError } from '../../core/errors.ts';
import { parseTags } from '../../core/tags.ts';
import { type PromptEndpoint, endpointOfBody, requestBody } from '../../wire/prompt/own-request.ts';
import type { DataOptions } from '../data-folder.ts';
import { readTokenInput, STANDARD_INPUT, TOKEN_INPUT_KINDS } from '../token-input.ts';
import type { DryCall } from './dry-routing.ts';

interface ExplainOptions extends DataOptions {
  readonly endpoint?: PromptEndpoint;
  readonly tag: readonly string[];
  readonly header: readonly string[];
  readonly certified?: boolean;
  readonly json?: boolean;
}

/** Adds `farthing routes explain`. @internal */
export function registerRouteExplain(group: Command, stdin: AsyncIterable<Uint8Array>): void {
  const endpoints = TOKEN_INPUT_KINDS.filter((kind) => kind !== 'text');
  group
    .command('explain')
    .description('Say rule by rule where a call would go and why, and what it would cost there')
    .argument('<call.json>', `the body of a request as JSON; ${STANDARD_INPUT}: standard input`)
    .addOption(new Option('--endpoint <kind>', 'what the body is for (default: found out)').choices(endpoints))
    .option('-t, --tag <name=value>', 'a tag of the call; may be given several times', collected, [])
    .option('-H, --header <name:value>', 'a header of the call, such as x-farthing-route; several times', collected, [])
    .option('-c, --config <file>', 'the configuration (default: farthing.yaml)')
    .option('-d, --data <folder>', 'where gateways keep what they have certified (default: that of the configuration)')
    .option('--certified', 'as if the guard had certified the cheapest target of each route')
    .option('--json', 'JSON instead of a text')
    .action((file: string, options: ExplainOptions) => explainCommand(file, options, stdin));
}

async function explainCommand(file: string, options: ExplainOptions, stdin: AsyncIterable<Uint8Array>): Promise<void> {
  const dry = dryCall(file, await readTokenInput(file, stdin), options);
  const { DryRouting } = await import('./dry-routing.ts');
  const { explainedRoute } = await import('./explained-route.ts');
  const { explainedJson, explainedText } = await import('./explained-text.ts');
  const explained = await explainedRoute(await DryRouting.open(options), dry, options);
  console.log(options.json === true ? explainedJson(explained) : explainedText(explained));
}

function dryCall(file: string, text: string, { endpoint, tag, header }: ExplainOptions): DryCall {
  const body = requestBody(text);
  if (body === undefined) throw new FarthingError('configuration', `${file}: is not a request: not a JSON object`);
  const found = endpoint ?? endpointOfBody(body);
  if (found === undefined)
    throw new FarthingError('configuration', `${file}: it is not clear what it is for; say --endpoint`);
  return {
    endpoint: found,
    body: new TextEncoder().encode(text),
    headers: Object.fromEntries(header.map(headerOf)),
    tags: Object.assign({}, ...tag.map(tagOf)) as DryCall['tags'],
    project: 'default',
    atMs: Date.now(),
  };
}

function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** A value as it is, commas and percent signs among it. */
function tagOf(text: string): DryCall['tags'] {
  const equals = text.indexOf('=');
  try {
    return parseTags(`${text.slice(0, Math.max(0, equals))}=${encodeURIComponent(text.slice(equals + 1))}`);
  } catch {
    throw new FarthingError('configuration', `--tag ${text}: a tag is written name=value, the name in lower case`);
  }
}

function headerOf(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new FarthingError('configuration', `--header ${text}: a header is written name:value`);
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}
