import { test } from 'vitest';
import { auditMoney } from '../support/audit-money.ts';

test.each(Array.from({ length: 60 }, (_, index) => index + 3))(
  'through routes and cascades the ledger is the invoice, also under tight budgets and with clients who leave: seed %i',
  async (seed) => {
    const budget = seed % 3 === 0 ? {} : { limitUsd: seed % 3 === 1 ? '0.2' : '0.8' };
    await auditMoney({ seed, calls: 120, leaves: seed % 2 === 0, ...budget });
  },
);
