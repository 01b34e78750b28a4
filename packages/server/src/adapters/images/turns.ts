// A line in which those who wait take turns: whoever asks for much waits behind the own questions, not in front of others.

/** What waits, by who waits for it. */
export class Turns<T> {
  readonly #lines = new Map<string, T[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** How many of one asker wait. */
  lengthOf(asker: string): number {
    return this.#lines.get(asker)?.length ?? 0;
  }

  push(asker: string, item: T): void {
    const line = this.#lines.get(asker);
    if (line === undefined) this.#lines.set(asker, [item]);
    else line.push(item);
    this.#length += 1;
  }

  /** The first of the asker whose turn it is; that asker's next turn comes after everybody else's. */
  shift(): T | undefined {
    const next = this.#lines.entries().next();
    if (next.done) return undefined;
    const [asker, line] = next.value;
    const item = line.shift();
    this.#lines.delete(asker);
    if (line.length > 0) this.#lines.set(asker, line);
    this.#length -= 1;
    return item;
  }

  remove(asker: string, item: T): void {
    const line = this.#lines.get(asker) ?? [];
    const at = line.indexOf(item);
    if (at === -1) return;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(asker);
    this.#length -= 1;
  }

  /** Takes everything out. */
  drain(): readonly T[] {
    const all = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#length = 0;
    return all;
  }
}
