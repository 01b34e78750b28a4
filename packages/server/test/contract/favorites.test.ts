// Runs the contract of favourites on every database.
import { describe, test } from 'vitest';
import { favoritesContract } from '../../contract/favorites.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

describe.each(databaseAdapters)('the favourites contract on $name', ({ create }) => {
  const opener = useDatabase(create);

  test.each(favoritesContract.map((contractCase) => [contractCase.name, contractCase] as const))(
    '%s',
    async (_, { run }) => {
      await run(() => opener.open());
    },
  );
});
