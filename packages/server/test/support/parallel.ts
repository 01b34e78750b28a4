// Work on many things at once, so that tests of many small things wait less: bounded, and over when it has ended.

/** Does `work` for each item, a few at a time. Rejects with the first failure, once nothing is under way any more. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>, width = 8): Promise<void> {
  const waiting = items.values();
  const results = await Promise.allSettled(
    Array.from({ length: width }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Tries the items together and, when `attempt` says that this was not good, in halves, down to each of them alone. */
export async function inHalves<T>(
  items: readonly T[],
  attempt: (some: readonly T[]) => Promise<boolean>,
): Promise<void> {
  if (items.length === 0 || (await attempt(items)) || items.length === 1) return;
  const middle = Math.ceil(items.length / 2);
  await inHalves(items.slice(0, middle), attempt);
  await inHalves(items.slice(middle), attempt);
}

/** The items in groups of this size. */
export function inGroups<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
