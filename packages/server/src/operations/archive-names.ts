// Names inside an archive: every file gets one that unpacks on every system, next to the others, and nowhere else.

/** Characters that Windows refuses in a name, and those that mean something in a path. */
const REFUSED = /[<>:"|?*\\/\p{Cc}]/gu;
/** Names that Windows keeps for devices, with or without an extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** A name has at most so many bytes on common file systems. */
const NAME_BYTES_MAX = 240;

/** A name that every system can unpack, as near to the given one as possible. */
export function safeName(name: string): string {
  const plain = shortened(name.replace(REFUSED, '_').replace(/[. ]+$/, (end) => '_'.repeat(end.length)));
  if (plain === '') return '_';
  return DEVICE.test(plain) ? `_${plain}` : plain;
}

/** Hands out places in one archive; no two are equal, whatever the case of their letters. */
export class ArchiveNames {
  readonly #taken = new Set<string>();
  readonly #folders = new Map<string, string>();

  /** The place of a folder, the same each time it is asked for. `parent` is the place of the folder around it, empty at the top. */
  folder(key: string, parent: string, name: string): string {
    const known = this.#folders.get(key);
    if (known !== undefined) return known;
    const place = `${this.#free(parent, safeName(name))}/`;
    this.#folders.set(key, place);
    return place;
  }

  /** A place for one more file. */
  file(parent: string, name: string): string {
    return this.#free(parent, safeName(name));
  }

  /** `name`, or `name (2)` and so on when that is taken. */
  #free(parent: string, name: string): string {
    const dot = name.lastIndexOf('.');
    const [stem, extension] = dot <= 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
    for (let i = 1; ; i += 1) {
      const place = parent + (i === 1 ? name : `${stem} (${i})${extension}`);
      const folded = place.normalize('NFC').toLowerCase();
      if (this.#taken.has(folded)) continue;
      this.#taken.add(folded);
      return place;
    }
  }
}

/** Cuts the stem in whole characters; the extension stays. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name;
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  let stem = '';
  let bytes = Buffer.byteLength(extension);
  for (const character of name.slice(0, name.length - extension.length)) {
    bytes += Buffer.byteLength(character);
    if (bytes > NAME_BYTES_MAX) break;
    stem += character;
  }
  return stem + extension;
}
