import { ImageFitter } from '../../middleware/optimise/fitted-images.ts';
import type { OptimiseOptions } from '../../middleware/optimise/optimise.ts';
import { PromptPlanner } from '../../middleware/optimise/prompt-plan.ts';
import { loadTokenizer } from '../../tokenizers/load-tokenizer.ts';
import { optimiserFingerprint } from '../../core/optimise/optimiser-fingerprint.ts';
import type { Optimizer } from './open-optimizer.ts';

/** What the step that optimises prompts works with; undefined where the policy leaves them as they are. @internal */
export function optimiseOptions(
  { policy, htmlToMarkdown, fitImage }: Optimizer,
  ports: Pick<OptimiseOptions, 'pricer' | 'events' | 'pinOf'>,
): OptimiseOptions | undefined {
  if (optimiserFingerprint(policy) === '') return undefined;
  return {
    ...ports,
    planner: new PromptPlanner(policy, htmlToMarkdown),
    images: fitImage && new ImageFitter(fitImage),
    tokenizerOf: loadTokenizer,
  };
}
