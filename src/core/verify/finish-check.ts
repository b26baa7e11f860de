import type { AnswerView } from './answer-view.ts';

/**
 * Why an answer did not come to its own end: `length`, `paused`, `content-filter` or `error`. A refusal did; the check of refusals sees to it. An end that is not known
 * passes: some servers of open models state none.
 * @internal
 */
export function finishFault({ finish }: AnswerView): string | undefined {
  switch (finish) {
    case 'length':
    case 'paused':
    case 'content-filter':
    case 'error':
      return finish;
    case 'complete':
    case 'tool-calls':
    case 'refusal':
    case 'unknown':
      return undefined;
  }
}
