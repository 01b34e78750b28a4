// Rights that are asked again while bytes flow: what a refusal, an answer and a silence come to.
import { beforeEach, expect, test } from 'vitest';
import { watch } from '../../src/operations/watch.ts';

let tick: () => void;
let isWatching: boolean;
let refused: unknown[];
const system = {
  every: (_everyMs: number, task: () => void) => {
    tick = task;
    isWatching = true;
    return () => {
      isWatching = false;
    };
  },
};
const refuse = (reason: unknown) => {
  refused.push(reason);
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  refused = [];
});

test('a refusal is handed on, and asking ends with the work', async () => {
  const stop = watch(system, () => Promise.reject(new Error('no')), refuse);
  tick();
  await settled();
  expect(refused).toEqual([new Error('no')]);
  stop();
  expect(isWatching).toBe(false);
});

test('an answer that does not come is a refusal after five rounds, and is not asked for again meanwhile', async () => {
  let asked = 0;
  watch(
    system,
    () => {
      asked += 1;
      return new Promise(() => {});
    },
    refuse,
  );
  for (let round = 0; round < 5; round += 1) tick();
  await settled();
  expect(refused).toEqual([]);
  tick();
  expect(refused).toMatchObject([{ code: 'STORE_UNAVAILABLE' }]);
  expect(asked).toBe(1);
});

test('an answer that comes late, but comes, begins the rounds anew', async () => {
  let answer = () => {};
  const ask = () =>
    new Promise<void>((resolve) => {
      answer = resolve;
    });
  watch(system, ask, refuse);
  for (let time = 0; time < 3; time += 1) {
    for (let round = 0; round < 5; round += 1) tick();
    answer();
    await settled();
  }
  expect(refused).toEqual([]);
});
