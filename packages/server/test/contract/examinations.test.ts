// Runs the examinations contract on every database.
import { describe, test } from 'vitest';
import { examinationsContract } from '../../contract/examinations.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the examinations contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(examinationsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
