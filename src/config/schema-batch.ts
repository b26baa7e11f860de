import * as z from 'zod';
import type { BatchConfig } from './config.ts';
import { flag, positiveDuration, section, timeout, wholeNumber } from './schema-leaves.ts';
import { signingSecret, webAddress } from './schema-webhook.ts';

/** More calls at a time than any provider lets one account make. */
const MOST_LIVE_CALLS = 10_000;

const prefix = webAddress(
  'An address: what lies below it may be named by callers. Ends with its path; no query.',
).refine(
  (text) => !URL.canParse(text) || isPrefix(new URL(text)),
  'has a query or a fragment; write https://host/path',
);

function isPrefix({ search, hash }: URL): boolean {
  return search === '' && hash === '';
}

const webhooksSection = section('Who may be told, signed, when a call with a deadline is answered. Left out: nobody.', {
  urls: z
    .array(prefix)
    .min(1, 'names no address')
    .meta({ description: 'Addresses below which callers may name theirs with `x-farthing-webhook`.' }),
  secret: signingSecret(),
});

/** `batch`. @internal */
export const batchSchema: z.ZodType<BatchConfig> = section('Calls that may be answered later, at half price.', {
  deadlines: flag('Whether calls with `x-farthing-deadline` wait for a batch; else they are answered at once.'),
  gather: timeout('For how long calls gather into a batch, at the most.'),
  retention: positiveDuration('For how long an answer can be asked for once it is there.'),
  liveCalls: wholeNumber(
    'Calls that no batch answered in time and that are asked at once, at a time.',
    1,
    MOST_LIVE_CALLS,
  ),
  webhooks: webhooksSection.optional(),
}).transform(({ deadlines, gather, retention, liveCalls, webhooks }) => ({
  allowsDeadlines: deadlines,
  gatherMs: gather,
  retentionMs: retention,
  maxLiveCalls: liveCalls,
  webhooks,
}));
