// Runs the contract of doors for outsiders on every database and for every kind of them.
import { describe, test } from 'vitest';
import { doorsContract } from '../../contract/doors.ts';
import type { SqlPorts } from '../../src/adapters/sql/index.ts';
import { databaseAdapters, useDatabase } from '../support/adapters.ts';

const kinds = ['shares', 'airboxes'] as const satisfies readonly (keyof SqlPorts)[];

describe.each(databaseAdapters.flatMap((adapter) => kinds.map((kind) => ({ ...adapter, kind }))))(
  'the contract of $kind on $name',
  ({ create, kind }) => {
    const opener = useDatabase(create);

    test.each(doorsContract.map((contractCase) => [contractCase.name, contractCase] as const))(
      '%s',
      async (_, { run }) => {
        await run(async () => {
          const ports = await opener.open();
          return { doors: ports[kind], close: () => ports.close() };
        });
      },
    );
  },
);
