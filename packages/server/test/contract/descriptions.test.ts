// Runs the contract of metadata, tags, products, settings and prepared changes on every database.
import { describe, test } from 'vitest';
import { descriptionsContract } from '../../contract/descriptions.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the descriptions contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(descriptionsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
