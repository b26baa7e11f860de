import { applyDefaults } from './apply-defaults.ts';
import { checkConfig } from './check-config.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { problemAt, problemsOf, quoted } from './config-problems.ts';
import { type FileSections, SECTION_SCHEMAS } from './config-schema.ts';
import type { Config, LoadedConfig } from './config.ts';
import type { ExpansionSources } from './expand.ts';
import { explainValues } from './explain-config.ts';
import { type RawFile, readYaml } from './read-yaml.ts';
import { unknownName } from './schema-leaves.ts';

/** What a configuration is loaded from. @public */
export type ConfigInput = ExpansionSources &
  (
    | {
        /** The file, read with `readFile`. Also its name in messages. */
        readonly path: string;
        readonly text?: undefined;
      }
    | {
        /** The name in messages. @defaultValue 'configuration' */
        readonly path?: string;
        /** The configuration itself. */
        readonly text: string;
      }
  );

const SECTION_NAMES: readonly string[] = Object.keys(SECTION_SCHEMAS);

/**
 * Reads, expands and checks a configuration and puts every default in place.
 * @throws ConfigError with all problems at once.
 * @public
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const source = input.path ?? 'configuration';
  const file = readYaml(input.text ?? readSource(input, source), input);
  if (file.problems.length > 0 && file.places.size === 0) throw new ConfigError(source, file.problems);
  applyDefaults(file.tree);
  const problems: ConfigProblem[] = [...file.problems];
  const sections = readSections(file, problems);
  for (const { path, message } of checkConfig(sections)) {
    problems.push(problemAt(path, quoted(path, file) + message, file, 'value'));
  }
  if (!isWhole(sections, problems)) throw new ConfigError(source, withoutRepeats(problems));
  const config = configOf(sections);
  const values = explainValues(file.tree, file.places, SECTION_NAMES, config.providers);
  const origins = new Map(values.map(({ path, origin }) => [path, origin]));
  return { source, config, origins, values };
}

function readSource(input: ConfigInput, source: string): string {
  try {
    return input.readFile(source);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const message = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new ConfigError(source, [{ path: '', message, line: undefined, column: undefined }]);
  }
}

/** Reads each part with its own schema; those at fault are left out and their problems added. */
function readSections(file: RawFile, problems: ConfigProblem[]): Partial<FileSections> {
  const sections: Record<string, unknown> = {};
  for (const name of Object.keys(file.tree)) {
    if (!SECTION_NAMES.includes(name)) problems.push(problemAt([name], unknownName(name, SECTION_NAMES), file, 'name'));
  }
  for (const [name, schema] of Object.entries(SECTION_SCHEMAS)) {
    const value = Object.hasOwn(file.tree, name) ? file.tree[name] : undefined;
    const result = schema.safeParse(value);
    if (result.success) sections[name] = result.data;
    else for (const issue of result.error.issues) problems.push(...problemsOf(issue, [name], file));
  }
  return sections;
}

function isWhole(_sections: Partial<FileSections>, problems: readonly ConfigProblem[]): _sections is FileSections {
  return problems.length === 0;
}

/** In the order of the file, one problem for each value: what follows from a reference at fault is not told again. */
function withoutRepeats(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const seen = new Set<string>();
  const first = problems.filter(({ path }) => path === '' || (!seen.has(path) && seen.add(path)));
  return first.toSorted(
    (left, right) => (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0),
  );
}

function configOf(sections: FileSections): Config {
  const { admin, log, prices, models, routes, budgets, keys, projects, allowedHosts, passThrough } = sections;
  return {
    version: sections.version,
    listen: sections.listen,
    auth: sections.auth,
    storage: sections.storage,
    providers: sections.providers,
    prices: prices ?? {},
    models: models ?? [],
    routes: routes ?? [],
    cache: sections.cache,
    budgets: budgets ?? [],
    alerts: sections.alerts ?? { webhook: undefined },
    limits: sections.limits,
    resilience: sections.resilience,
    optimize: sections.optimize,
    batch: sections.batch,
    keys: keys ?? [],
    projects: projects ?? [],
    adminKey: admin,
    allowedHosts: allowedHosts ?? [],
    passThrough: passThrough ?? [],
    callLog: sections.callLog,
    logLevel: log,
  };
}
