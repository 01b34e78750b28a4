// Runs the metadata contract on every database.
import { describe, test } from 'vitest';
import { metadataContract } from '../../contract/metadata.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the metadata contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(metadataContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
