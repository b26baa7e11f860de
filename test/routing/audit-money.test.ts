import { expect, test } from 'vitest';
import { auditMoney } from '../support/audit-money.ts';

test('through routes and cascades of all kinds the ledger is the invoice, and each call costs its charges', async () => {
  const { verdicts } = await auditMoney({ seed: 1, calls: 80, leaves: false });
  for (const verdict of ['cascade pass', 'cascade escalate', 'cache hit']) expect(verdicts).toContain(verdict);
});

test('under a hard budget that is too tight, with clients who leave, nothing is overspent and nothing stays held', async () => {
  const { outcomes } = await auditMoney({ seed: 2, calls: 80, leaves: true, limitUsd: '0.4' });
  expect(outcomes).toContain('client-left');
  expect([...outcomes].some((outcome) => outcome.startsWith('budget'))).toBe(true);
});
