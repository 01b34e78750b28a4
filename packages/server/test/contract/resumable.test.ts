// Runs the contract of resumable uploads on every database.
import { describe, test } from 'vitest';
import { resumableContract } from '../../contract/resumable.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the contract of resumable uploads on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(resumableContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
