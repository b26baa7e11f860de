import { FarthingError } from '../../src/core/errors.ts';
import type { BatchApi } from '../../src/ports/batch-api.ts';

/** Results of which one line can never be read: that of the first answer. */
export function damagedApi(api: BatchApi): BatchApi {
  return {
    ...api,
    async *rows(batch, status) {
      let isFirst = true;
      for await (const row of api.rows(batch, status)) {
        if (isFirst && row.kind === 'reply') isFirst = false;
        else yield row;
      }
      if (!isFirst) throw new FarthingError('provider-failed', 'line 1 of the results is not JSON', { status: 502 });
    },
  };
}
