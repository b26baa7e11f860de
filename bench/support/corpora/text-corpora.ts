import type { Draw } from './draw.ts';

/** A system prompt with rules, examples, a template and, as such prompts have, a rule that stands in it twice. */
export function systemPrompt(draw: Draw): string {
  const rule = `Always ${draw.words(14)}, and never ${draw.words(12)} without being asked to.`;
  return [
    `You are an assistant for {{company}}. ${draw.paragraph()} Please follow the rules below in order to help the customer.`,
    '# Rules',
    draw.many(8, () => `- ${draw.sentence()}`).join('\n'),
    rule,
    '## Tools',
    `Use \`search_${draw.words(1)}\` for questions about orders. ${draw.paragraph()}`,
    '## Example',
    `User: "${draw.words(9)}?"\nAssistant: ${draw.sentence()}`,
    `<policy>\n${draw.paragraph()}\n\n${draw.paragraph()}\n</policy>`,
    '------------------------------------------------------------',
    '## Format',
    `Answer with JSON:\n\`\`\`json\n${JSON.stringify({ answer: '...', confidence: 0.5, sources: ['...'] }, undefined, 2)}\n\`\`\``,
    draw.paragraph(),
    rule,
  ].join('\n\n');
}

export function readme(draw: Draw): string {
  const rows = draw.many(
    5,
    () => `| \`${draw.words(1)}\`${' '.repeat(draw.below(12))} | ${draw.words(4)}${' '.repeat(draw.below(20))} |`,
  );
  return [
    `# ${draw.words(2)}`,
    `[![npm](https://img.shields.io/npm/v/x.svg)](https://npmjs.com/x)  `,
    draw.paragraph(),
    `## Install\n\n\`\`\`sh\nnpm install ${draw.words(1)}\n\`\`\``,
    `## Options\n\n| Option         | Meaning                       |\n|----------------|-------------------------------|\n${rows.join('\n')}`,
    `## Usage\n\n\`\`\`js\nconst client = create({ limit: ${draw.below(99)} });\nawait client.run();\n\`\`\``,
    draw.many(4, () => `- ${draw.sentence()}`).join('\n'),
    draw.paragraph(),
  ].join('\n\n');
}

export function log(draw: Draw): string {
  return draw
    .many(
      60,
      () =>
        `2024-05-0${1 + draw.below(9)}T1${draw.below(9)}:${10 + draw.below(49)}:${10 + draw.below(49)}.${100 + draw.below(899)}Z ${draw.of(['INFO ', 'WARN ', 'ERROR'])} [${draw.words(1)}] ${draw.words(8)} id=${draw.below(99_999)}`,
    )
    .join('\n');
}

export function diff(draw: Draw): string {
  const lines = draw.many(30, (index) => `${index % 5 === 0 ? '-' : index % 7 === 0 ? '+' : ' '}  ${draw.words(6)};`);
  const removed = lines.filter((line) => line.startsWith('-')).length;
  const added = lines.filter((line) => line.startsWith('+')).length;
  const [before, after] = [lines.length - added, lines.length - removed];
  return `diff --git a/x.ts b/x.ts\nindex 83db48f..bf2a1c3 100644\n--- a/x.ts\n+++ b/x.ts\n@@ -1,${before} +1,${after} @@\n${lines.join('\n')}\n`;
}

export function code(draw: Draw): string {
  const functions = draw.many(8, (index) => {
    const name = `${draw.words(1)}_${index}`;
    return `def ${name}(limit, value=None):\n    """${draw.sentence()}"""\n    result = []\n    for item in range(limit):\n        if item > ${draw.below(99)}:\n            result.append(item * ${draw.below(9)})\n    return result  # ${draw.words(4)}`;
  });
  return `import os\nimport json\n\n\n${functions.join('\n\n\n')}\n`;
}

/** Passages as a search step hands them over, one of them found twice. */
export function ragContext(draw: Draw): string {
  const passages = draw.many(8, () => draw.paragraph());
  const [first = ''] = passages;
  return [...passages, first]
    .map((passage, index) => `<document index="${index + 1}">\n${passage}\n</document>`)
    .join('\n');
}
