// Runs the contract of variants on every database.
import { describe, test } from 'vitest';
import { variantsContract } from '../../contract/variants.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the variants contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(variantsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
