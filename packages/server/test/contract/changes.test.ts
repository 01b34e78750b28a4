// Runs the contract of the log of changes on every database.
import { describe, test } from 'vitest';
import { changesContract } from '../../contract/changes.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the contract of changes on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(changesContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
