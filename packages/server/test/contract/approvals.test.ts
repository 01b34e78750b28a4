// Runs the contract of approvals on every database.
import { describe, test } from 'vitest';
import { approvalsContract } from '../../contract/approvals.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the approvals contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(approvalsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
