// Runs the contract of collections and pins on every database.
import { describe, test } from 'vitest';
import { collectionsContract } from '../../contract/collections.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the collections contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(collectionsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
