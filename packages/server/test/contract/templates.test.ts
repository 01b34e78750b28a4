// Runs the templates contract on every database.
import { describe, test } from 'vitest';
import { templatesContract } from '../../contract/templates.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the templates contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(templatesContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
