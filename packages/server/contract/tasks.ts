// What every store of tasks must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { TaskRecord, Tasks } from '../src/ports/tasks.ts';
import type { ContractCase } from './case.ts';

/** A store of tasks. After `close` it is unavailable. */
export interface TaskStore {
  readonly tasks: Tasks;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const TASK: TaskRecord = {
  id: 'one',
  container: 'demo',
  kind: 'archive',
  owner: 'template:x:',
  document: { files: ['a', 'ä'], nested: { n: 1 } },
  expiresAtMs: NOW + 10,
};

/** The cases of Tasks. */
export const tasksContract: readonly ContractCase<TaskStore>[] = [
  {
    name: 'finds a task on every node, by container, kind and id, until it expires',
    run: async (open) => {
      const [one, other] = [await open(), await open()];
      await one.tasks.createTask(TASK, NOW);
      assert.deepEqual(await other.tasks.findTask('demo', 'archive', 'one', NOW + 9), TASK);
      assert.equal(await other.tasks.findTask('demo', 'archive', 'one', NOW + 10), undefined);
      assert.equal(await other.tasks.findTask('demo', 'table', 'one', NOW), undefined);
      assert.equal(await other.tasks.findTask('elsewhere', 'archive', 'one', NOW), undefined);
      assert.equal(await other.tasks.findTask('demo', 'archive', 'two', NOW), undefined);
    },
  },
  {
    name: 'removes a task of its own container only, as often as asked',
    run: async (open) => {
      const { tasks } = await open();
      await tasks.createTask(TASK, NOW);
      await tasks.removeTask('elsewhere', 'one');
      assert.deepEqual(await tasks.findTask('demo', 'archive', 'one', NOW), TASK);
      await tasks.removeTask('demo', 'one');
      await tasks.removeTask('demo', 'one');
      assert.equal(await tasks.findTask('demo', 'archive', 'one', NOW), undefined);
    },
  },
  {
    name: 'forgets what has expired, and nothing else, when the next one comes',
    run: async (open) => {
      const { tasks } = await open();
      await tasks.createTask(TASK, NOW);
      await tasks.createTask({ ...TASK, id: 'two', expiresAtMs: NOW + 20 }, NOW + 9);
      assert.equal((await tasks.findTask('demo', 'archive', 'one', NOW))?.id, 'one');
      await tasks.createTask({ ...TASK, id: 'three', expiresAtMs: NOW + 20 }, NOW + 10);
      assert.equal(await tasks.findTask('demo', 'archive', 'one', NOW), undefined);
      assert.equal((await tasks.findTask('demo', 'archive', 'two', NOW))?.id, 'two');
    },
  },
];
