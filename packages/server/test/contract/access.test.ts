// Runs the contract of favourites on every database.
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import { accessContract } from '../../contract/access.ts';
import { databaseAdapters, type Opener, openerOf, type TestDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the favourites contract on $name', ({ create }) => {
  let database: TestDatabase;
  let opener: Opener;
  beforeAll(async () => {
    database = await create();
  });
  beforeEach(async () => {
    await database.reset();
    opener = openerOf(database.url);
  });
  afterEach(() => opener.closeAll());
  afterAll(() => database?.drop());

  test.each(accessContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
