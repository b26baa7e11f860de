// Writes docs/farthing.schema.json and the table in docs/configuration.md from the configuration's own schema.
// With --check it writes nothing and exits 1 when one of them is not up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { configJsonSchema } from '../src/config/config-json-schema.ts';

const SCHEMA_FILE = new URL('../docs/farthing.schema.json', import.meta.url);
const GUIDE_FILE = new URL('../docs/configuration.md', import.meta.url);
const BEGIN = '<!-- generated table: npm run config:generate -->';
const END = '<!-- end of the generated table -->';

const cell = (text) => String(text).replaceAll('|', String.raw`\|`);

/** The rows of a value and of what is below it. */
function rows(node, path, isRequired) {
  const branches = node.anyOf ?? [node];
  const unit = unitOf(node, branches);
  const fallback =
    node.default === undefined
      ? isRequired
        ? '**required**'
        : ''
      : `\`${node.default === '' ? '""' : node.default}\``;
  const own =
    path === '' ? [] : [`| \`${path}\` | ${cell(unit)} | ${cell(fallback)} | ${cell(node.description ?? '')} |`];
  return [...own, ...branches.flatMap((branch) => members(branch, path))];
}

function members(node, path) {
  const named = Object.entries(node.properties ?? {}).flatMap(([name, member]) =>
    rows(member, path === '' ? name : `${path}.${name}`, (node.required ?? []).includes(name)),
  );
  const open =
    typeof node.additionalProperties === 'object' ? rows(node.additionalProperties, `${path}.<name>`, false) : [];
  const items = node.items === undefined ? [] : rows(node.items, `${path}[]`, false);
  return [...named, ...open, ...items];
}

function unitOf(node, branches) {
  if (node['x-unit'] !== undefined) return node['x-unit'];
  const kinds = branches.map(
    (branch) => branch['x-unit'] ?? { object: 'mapping', array: 'list' }[branch.type] ?? 'anything',
  );
  return [...new Set(kinds)].join(' or ');
}

const schema = configJsonSchema();
const table = ['| key | unit | default | meaning |', '|---|---|---|---|', ...rows(schema, '', false)].join('\n');
const guide = readFileSync(GUIDE_FILE, 'utf8');
const [before, rest] = guide.split(BEGIN);
const [, after] = (rest ?? '').split(END);
if (after === undefined) throw new Error(`docs/configuration.md lacks the marks of its generated table`);
const wanted = [
  [SCHEMA_FILE, `${JSON.stringify(schema, undefined, 2)}\n`],
  [GUIDE_FILE, `${before}${BEGIN}\n<!-- oxfmt-ignore -->\n${table}\n\n${END}${after}`],
];
// The formatter lays JSON out in its own way.
const isSame = (found, text) =>
  found !== undefined &&
  (found === text || (text.startsWith('{') && isDeepStrictEqual(JSON.parse(found), JSON.parse(text))));
const read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};
for (const [file, text] of wanted) {
  if (isSame(read(file), text)) continue;
  const name = file.pathname.split('/').slice(-2).join('/');
  if (process.argv.includes('--check')) {
    console.error(`${name} is not up to date: run npm run config:generate`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`wrote ${name}`);
  }
}
