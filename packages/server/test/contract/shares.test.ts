// Runs the contract of shares on every database.
import { afterAll, afterEach, beforeAll, beforeEach, describe, test } from 'vitest';
import { sharesContract } from '../../contract/shares.ts';
import { databaseAdapters, type Opener, openerOf, type TestDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the shares contract on $name', ({ create }) => {
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

  test.each(sharesContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
