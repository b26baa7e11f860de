import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  AGREE,
  type CascadeCall,
  CASCADE_FORMS,
  cascadeCall,
  CHEAP,
  DOWN,
  NUMBER,
  SAMPLE,
  STRONG,
  target,
} from '../../../test/support/cascade-call.ts';
import type { Said } from '../../../test/support/scripted-targets.ts';
import { FarthingError } from '../../core/errors.ts';
import type { AnswerCheck } from '../../core/verify/answer-check.ts';
import type { Call } from '../compose.ts';

test('no answer of a failed check ever reaches a client, whatever the targets do', async () => {
  const said = fc.oneof(
    fc.constantFrom<Said>(
      { text: '7' },
      { text: 'wrong' },
      { text: 'wrong', finish: 'length' },
      { text: '7', finish: 'length' },
    ),
    fc.constantFrom<Said>({ status: 500 }, { breaks: DOWN }, { throws: new FarthingError('budget-spent', 'no money') }),
  );
  const check = fc.constantFrom<readonly AnswerCheck[]>([NUMBER], [NUMBER, AGREE], [AGREE, NUMBER, SAMPLE]);
  const form = fc.constantFrom(...CASCADE_FORMS);
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(said, said, said, said),
      check,
      form,
      async ([cheap, middle, other, strong], verify, shape) => {
        const right = { ...strong, ...(strong.text === undefined ? {} : { text: 'right', finish: 'stop' }) };
        const on = cascadeCall({
          ...shape,
          verify,
          targets: [CHEAP, target('p/middle'), STRONG],
          length: 3,
          said: (name) => ({ 'p/cheap': cheap, 'p/middle': middle, 'p/other': other })[name] ?? right,
        });
        const outcome = await on.run().catch(() => undefined);
        expect(on.receiver.text).not.toContain('wrong');
        if (outcome?.kind === 'complete') expect(on.receiver.text).toMatch(/7|right/);
        // Each attempt is charged once, and all of them are over.
        const thrown = on.targets.calls.filter((_call, index) => isThrown(on, index)).length;
        expect(on.call.state.spending.charges.length).toBe(on.targets.calls.length - thrown);
        if (on.receiver.gotHead === undefined)
          expect(outcome === undefined || on.receiver.ending !== 'open').toBe(true);
      },
    ),
    { numRuns: 300, seed: 6 },
  );

  function isThrown(on: CascadeCall, index: number): boolean {
    const call = on.targets.calls[index];
    return (
      call !== undefined &&
      !on.call.state.spending.charges.some(({ target: name, kind }) => name === nameOf(call) && kind === call.kind)
    );
  }

  function nameOf(call: Call): string {
    const [first] = call.state.plan?.targets ?? [];
    return first === undefined ? '' : `${first.provider}/${first.model}`;
  }
});
