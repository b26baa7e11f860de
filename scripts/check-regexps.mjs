// Holds that every regular expression in src/ takes linear time, whatever text it is given: recheck analyses each of them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
// The build without the optional native programs: the package's entry would start one of them.
import recheck from 'recheck/lib/browser.js';
import typescript from 'typescript';

/** What makes a text literal inside an expression. */
const ESCAPING = new Set(['RegExp.escape', 'escapedPattern']);

/** Expressions with dynamic parts that no escaping function makes: `as` is what they come to, which is checked in their place. */
const LISTED = [
  {
    file: 'src/core/call-id.ts',
    as: /^call_([1-9a-z][0-9a-z]{7})[0-9a-f]{20}$/,
    why: 'its dynamic parts are two counts, both constants of the same file',
  },
  {
    file: 'src/config/schema-checks.ts',
    as: /x/su,
    why: "it is only made, to see whether the operator's text is an expression; it never runs",
  },
  {
    file: 'src/client/library-routes.ts',
    as: /x/su,
    why: "it is only made, to see whether the program's text is an expression; it never runs",
  },
  {
    file: 'src/core/verify/pattern-check.ts',
    as: /x/su,
    why: "it is the operator's own check of answers, and runs on bounded texts only",
  },
];

/** What one analysis may take; the longest takes some seconds, and several times as long on a machine that is busy. Ours. */
const TIMEOUT_MS = 120_000;

/** Methods of strings that make an expression of a string they are given. */
const EXPRESSION_METHODS = new Set(['match', 'matchAll', 'search']);

const { SyntaxKind } = typescript;
const faults = [];
const used = new Set();
let checked = 0;

const files = execFileSync('git', ['ls-files', 'src'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
for (const file of files) checkFile(file);
for (const listed of LISTED) if (!used.has(listed)) faults.push(`${listed.file} is listed but needs it no more`);
for (const fault of faults) console.log(fault);
console.log(`${checked} regular expressions, ${faults.length} faults`);
process.exit(faults.length > 0 || checked === 0 ? 1 : 0);

function checkFile(file) {
  const source = typescript.createSourceFile(file, readFileSync(file, 'utf8'), typescript.ScriptTarget.Latest, true);
  const visit = (node) => {
    const place = `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (node.kind === SyntaxKind.RegularExpressionLiteral) checkLiteral(place, node.text);
    else if (makesExpression(node)) checkMade(file, place, node);
    typescript.forEachChild(node, visit);
  };
  visit(source);
}

/** `new RegExp(...)`, `RegExp(...)`, `text.match('...')`. */
function makesExpression(node) {
  if (!typescript.isNewExpression(node) && !typescript.isCallExpression(node)) return false;
  if (node.expression.getText() === 'RegExp') return true;
  const argument = node.arguments?.[0];
  return (
    typescript.isPropertyAccessExpression(node.expression) &&
    EXPRESSION_METHODS.has(node.expression.name.text) &&
    argument !== undefined &&
    (typescript.isStringLiteralLike(argument) || typescript.isTemplateExpression(argument))
  );
}

function checkMade(file, place, node) {
  const [pattern, flags] = node.arguments ?? [];
  const text = pattern === undefined ? '' : constantText(pattern);
  const flagText = flags === undefined ? '' : constantText(flags);
  if (text !== undefined && flagText !== undefined) {
    check(place, text, flagText);
    return;
  }
  const listed = LISTED.find((each) => each.file === file && !used.has(each));
  if (listed === undefined) {
    faults.push(`${place}: dynamic parts must be escaped or listed with a reason: ${node.getText()}`);
    return;
  }
  used.add(listed);
  check(place, listed.as.source, listed.as.flags);
}

/** The text of a constant; an escaped part stands for itself and counts as one letter. Undefined where it is neither. */
function constantText(node) {
  if (typescript.isStringLiteralLike(node)) return node.text;
  if (typescript.isCallExpression(node) && ESCAPING.has(node.expression.getText())) return 'x';
  if (typescript.isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.PlusToken) {
    const sides = [constantText(node.left), constantText(node.right)];
    return sides.includes(undefined) ? undefined : sides.join('');
  }
  if (!typescript.isTemplateExpression(node)) return undefined;
  let text = node.head.text;
  for (const span of node.templateSpans) {
    const part = constantText(span.expression);
    if (part === undefined) return undefined;
    text += part + span.literal.text;
  }
  return text;
}

function checkLiteral(place, literal) {
  const end = literal.lastIndexOf('/');
  check(place, literal.slice(1, end), literal.slice(end + 1));
}

function check(place, source, flags) {
  checked += 1;
  const result = recheck.checkSync(source, flags, { timeout: TIMEOUT_MS });
  if (result.status === 'safe' && ['safe', 'linear'].includes(result.complexity.type)) return;
  const why =
    result.status === 'vulnerable' ? `${result.complexity.summary}, ${result.attack.pattern}` : result.error.kind;
  faults.push(`${place}: /${source}/${flags} is not known to be linear: ${why}`);
}
