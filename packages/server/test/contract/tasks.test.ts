// Runs the contract of tasks on every database.
import { describe, test } from 'vitest';
import { tasksContract } from '../../contract/tasks.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the tasks contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(tasksContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
