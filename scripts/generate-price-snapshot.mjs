// Writes src/core/data/price-snapshot.json and model-catalogue.json from the npm package @pydantic/genai-prices (MIT) and
// scripts/price-overrides.json, which wins. Run by hand when either changes: node scripts/generate-price-snapshot.mjs [index.js of the package]
import { readFileSync, writeFileSync } from 'node:fs';

const VENDORS = ['openai', 'anthropic', 'google', 'deepseek', 'mistral', 'x-ai', 'groq'];
const BUCKETS = {
  input_mtok: 'input',
  output_mtok: 'output',
  cache_read_mtok: 'cacheRead',
  cache_write_1h_mtok: 'cacheWrite1h',
  input_audio_mtok: 'inputAudio',
  cache_audio_read_mtok: 'cacheReadAudio',
  output_audio_mtok: 'outputAudio',
  input_image_mtok: 'inputImage',
  cache_image_read_mtok: 'cacheReadImage',
  output_image_mtok: 'outputImage',
  input_video_mtok: 'inputVideo',
};
const NOT_A_VENDORS_PRICE =
  /OpenRouter pricing|Seen on OpenRouter|trusting open router|trusting these prices|trusting the original/i;
const SNAPSHOT = /[-@]20\d\d(-\d\d-\d\d|\d{4})$/;
const INCOMPLETE_NAME = /[-@.:]$|-20\d\d$|-flash-0$|^ft:/;

const overrides = JSON.parse(readFileSync(new URL('./price-overrides.json', import.meta.url), 'utf8'));
const { findProvider } = await import(process.argv[2] ?? '@pydantic/genai-prices');

const isDropped = (id) => overrides.drop.some((pattern) => new RegExp(pattern).test(id));

/** The exact names in a match; looser rules are taken only for names that are whole. */
function namesOf(match) {
  const inner = [...(match.or ?? []), ...(match.and ?? [])].flatMap(namesOf);
  const own = [match.equals, match.starts_with, match.contains, match.ends_with].filter((name) => name !== undefined);
  return [...own, ...inner];
}

function modelNames(key, model) {
  const names = [model.id, ...namesOf(model.match), ...(overrides.aliases[key] ?? [])];
  const removed = overrides.removeModels[key] ?? [];
  const whole = [...new Set(names)].filter((name) => !INCOMPLETE_NAME.test(name) && !removed.includes(name));
  return whole.filter((name) => !SNAPSHOT.test(name) || !whole.includes(name.replace(SNAPSHOT, '')));
}

function bucketOf(vendor, key) {
  if (key === 'cache_write_mtok') return vendor === 'anthropic' ? 'cacheWrite5m' : 'cacheWrite30m';
  return BUCKETS[key];
}

/** Prices and context tiers of one set of the package's prices; undefined when text input has no price. */
function tablesOf(vendor, prices) {
  const usdPerMillion = {};
  const tiers = new Map();
  for (const [key, price] of Object.entries(prices)) {
    if (key === 'web_searches_kcount' && vendor === 'anthropic') usdPerMillion.webSearch = String(price * 1000);
    const bucket = bucketOf(vendor, key);
    if (bucket === undefined) continue;
    usdPerMillion[bucket] = String(price.base ?? price);
    for (const { start, price: above } of price.tiers ?? []) {
      tiers.set(start, { ...tiers.get(start), [bucket]: String(above) });
    }
  }
  if (usdPerMillion.input === undefined) return undefined;
  const list = [...tiers].map(([start, table]) =>
    start % 1000 === 999
      ? { aboveTokens: start + 1, inclusive: true, usdPerMillion: table }
      : { aboveTokens: start, usdPerMillion: table },
  );
  return { usdPerMillion, ...(list.length === 0 ? {} : { tiers: list }) };
}

function billedAs(vendor, table) {
  const rules = overrides.billedAs;
  const map = {
    ...rules['*'].map,
    ...rules[vendor]?.map,
    ...(rules.freeWrites.providers.includes(vendor) ? rules.freeWrites.map : {}),
  };
  return Object.fromEntries(
    Object.entries(map).filter(
      ([from, to]) => table[from] === undefined && (to !== 'output' || table.output !== undefined),
    ),
  );
}

/** Multipliers of tier, speed and geography, with their notes, by the first model name. */
function termsOf(key) {
  const terms = {};
  const notes = [overrides.notes[key], overrides.flat[key]];
  for (const rule of overrides.terms) {
    if (!new RegExp(rule.match).test(key)) continue;
    for (const kind of ['serviceTiers', 'speeds', 'geos']) {
      if (rule[kind] !== undefined) terms[kind] = { ...terms[kind], ...rule[kind] };
    }
    notes.push(rule.note);
  }
  return { terms, notes };
}

function windowOf(vendor, constraint, table, base) {
  const ratios = new Set(Object.keys(table).map((bucket) => Math.round((table[bucket] / base[bucket]) * 1e6) / 1e6));
  if (ratios.size !== 1) throw new Error(`a window of ${vendor} has no single multiplier: ${[...ratios].join(', ')}`);
  return {
    weekdays: overrides.windows[vendor].weekdays,
    from: constraint.start_time.slice(0, 5),
    until: constraint.end_time.slice(0, 5),
    multiplier: String([...ratios][0]),
  };
}

/** The dated sets of prices of a model, each with its windows. */
function datedSets(vendor, key, model) {
  const list = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  if (overrides.flat[key] !== undefined) return [{ tables: tablesOf(vendor, list.at(-1).prices), windows: [] }];
  const sets = [];
  for (const { constraint, prices } of list) {
    const tables = tablesOf(vendor, prices);
    const last = sets.at(-1);
    if (tables === undefined) continue;
    if (constraint?.type === 'time_of_date') {
      last.windows.push(windowOf(vendor, constraint, tables.usdPerMillion, last.tables.usdPerMillion));
    } else {
      if (last !== undefined) last.until = constraint.start_date;
      sets.push({ from: constraint?.start_date, tables, windows: [] });
    }
  }
  return sets;
}

function entriesOf(vendor, model, sourceUrl) {
  const key = `${vendor}/${model.id}`;
  const { terms, notes } = termsOf(key);
  const sets = datedSets(vendor, key, model);
  const models = modelNames(key, model);
  if (models.length === 0) return [];
  const entries = [];
  for (const { from, until, tables, windows } of sets) {
    const note = [...notes, windows.length > 0 ? overrides.windows[vendor].note : undefined].filter(Boolean).join(' ');
    entries.push({
      id: from === undefined ? key : `${key}@${from}`,
      provider: vendor,
      models,
      ...(from === undefined ? {} : { from }),
      ...(until === undefined ? {} : { until }),
      ...tables,
      billedAs: billedAs(vendor, tables.usdPerMillion),
      ...terms,
      ...(windows.length === 0 ? {} : { windows }),
      source: sourceUrl,
      checkedOn: overrides.packageCheckedOn,
      ...(note === '' ? {} : { note }),
    });
  }
  return entries;
}

function handKept(entry) {
  const { terms, notes } = termsOf(`${entry.provider}/${entry.models[0]}`);
  const { source, checkedOn, note, ...prices } = entry;
  const text = [note, ...notes].filter(Boolean).join(' ');
  return {
    ...prices,
    billedAs: billedAs(entry.provider, entry.usdPerMillion),
    ...terms,
    source,
    checkedOn,
    ...(text === '' ? {} : { note: text }),
  };
}

const contextWindows = new Map();
const handKeptIds = new Set(overrides.entries.map((entry) => entry.id));
const entries = VENDORS.flatMap((vendor) => {
  const provider = findProvider({ providerId: vendor });
  const generated = provider.models
    .filter((model) => !isDropped(`${vendor}/${model.id}`) && !NOT_A_VENDORS_PRICE.test(model.price_comments ?? ''))
    .flatMap((model) => {
      contextWindows.set(`${vendor}/${model.id}`, model.context_window);
      return entriesOf(vendor, model, provider.pricing_urls[0]);
    });
  const own = overrides.entries.filter((entry) => entry.provider === vendor).map(handKept);
  return generated.filter((entry) => !handKeptIds.has(entry.id)).concat(own);
});

const book = {
  format: 'farthing-price-book/1',
  version: overrides.checkedOn,
  notice:
    'Most prices were converted from @pydantic/genai-prices 0.1.8 (MIT licence, copyright Pydantic Services Inc.); ' +
    'the rest is kept by hand in scripts/price-overrides.json.',
  entries,
};

/** What is known of a model beside its price. */
function factsOf(key) {
  const facts = { contextWindowTokens: contextWindows.get(key) };
  for (const { match, ...known } of overrides.catalogue.rules) {
    if (new RegExp(match).test(key)) Object.assign(facts, known);
  }
  return facts;
}

const seen = new Set();
const catalogue = {
  notice: book.notice,
  regimes: overrides.catalogue.regimes,
  models: entries.flatMap(({ id, provider, models }) => {
    const key = id.replace(/@.*$/, '');
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ vendor: provider, models, ...factsOf(key) }];
  }),
};

function write(name, data) {
  writeFileSync(new URL(`../src/core/data/${name}`, import.meta.url), `${JSON.stringify(data, undefined, 1)}\n`);
}

write('price-snapshot.json', book);
write('model-catalogue.json', catalogue);
console.log(`${book.entries.length} prices, ${catalogue.models.length} models; now run: npx oxfmt src/core/data`);
