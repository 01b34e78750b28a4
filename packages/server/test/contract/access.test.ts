// Runs the contract of access entries on every database.
import { describe, test } from 'vitest';
import { accessContract } from '../../contract/access.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the access contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(accessContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
