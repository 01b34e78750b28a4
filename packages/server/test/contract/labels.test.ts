// Runs the contract of labels on every database.
import { describe, test } from 'vitest';
import { labelsContract } from '../../contract/labels.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the labels contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(labelsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
