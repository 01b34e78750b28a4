// What every store of files and folders must keep, as runnable cases.
import assert from 'node:assert/strict';
import type { CanonicalPath } from '@latchkey/policy';
import {
  type At,
  type DuplicateReach,
  EVERY_NAME,
  type FileQuery,
  type FileRecord,
  type FolderQuery,
  type FolderRecord,
  type Latitude,
  type Metadata,
  type NameCondition,
  type NewFile,
  NO_NAME,
  type Paging,
  type ScopeLayers,
  type SortKey,
} from '../src/ports/metadata.ts';
import { type Condition, EVERY_FILE, fold, wordsIn } from '../src/ports/search.ts';
import type { Templates } from '../src/ports/templates.ts';
import { by } from './author.ts';
import type { ContractCase } from './case.ts';
import { newFile } from './new-file.ts';
import { layer, path } from './places.ts';
import { randomOf } from './random.ts';

/** A store with the port that makes its containers. After `close` it is unavailable. */
export interface MetadataStore {
  readonly metadata: Metadata;
  readonly templates: Pick<Templates, 'ensureContainer'>;
  close(): Promise<void>;
}

const NOW = 1_700_000_000_000;
const CONTAINER = 'demo';
const ROOT = path('/');
const EVERYWHERE = () => true;
const BY_NAME: Paging = { sort: 'name', descending: false, offset: 0, limit: 1000 };
type FileSortKey = Exclude<SortKey, 'assets_count' | 'relevance'>;
const SORT_KEYS: readonly FileSortKey[] = ['name', 'title', 'created_at', 'modified_at', 'size', 'type'];

let blobs = 0;

/** A small picture with a blob of its own; only what differs is said. */
function picture(place: string, different: Partial<NewFile> = {}): NewFile {
  blobs += 1;
  const content = { sha1: `sha1-${blobs}`, sha256: `sha256-${blobs}`, blobId: `blob-${blobs}` };
  return newFile(place, { ...content, uploadedBy: 'key-1', ...different });
}

function fileQuery(different: Partial<FileQuery> = {}): FileQuery {
  const everything = { container: CONTAINER, folderPath: ROOT, recursive: true, within: [], where: EVERY_FILE };
  return { ...everything, ...different };
}

/** Files that say all of the texts; signs that are no words can only stand in names. */
function saying(...texts: readonly string[]): Condition {
  const conditions = texts.map(
    (text): Condition =>
      wordsIn(text).length > 0 ? { of: 'text', text } : { of: 'value', field: 'name', match: { is: 'contains', text } },
  );
  return { of: 'all', conditions };
}

function folderQuery(different: Partial<FolderQuery> = {}): FolderQuery {
  return { container: CONTAINER, folderPath: ROOT, recursive: true, within: [], names: EVERY_NAME, ...different };
}

/** The ids of what has the content already. */
async function duplicatesOf(
  metadata: Metadata,
  place: string,
  sha256: string,
  reach: DuplicateReach,
  within: ScopeLayers = [],
  sizeBytes = 10,
): Promise<string | undefined> {
  const { folderPath, name } = picture(place);
  const [found] = await metadata.findDuplicates(CONTAINER, [{ folderPath, name, sha256, sizeBytes }], reach, within);
  return found && `${found.folderPath}/${found.name}`;
}

async function ready(open: () => Promise<MetadataStore>): Promise<Metadata> {
  const { metadata, templates } = await open();
  await templates.ensureContainer(CONTAINER, NOW);
  return metadata;
}

async function commit(metadata: Metadata, ...files: readonly (string | NewFile)[]): Promise<readonly FileRecord[]> {
  const written = files.map((file) => (typeof file === 'string' ? picture(file) : file));
  return metadata.commitFiles(CONTAINER, written, by(NOW));
}

async function commitOne(metadata: Metadata, file: string | NewFile): Promise<FileRecord> {
  const [record] = await commit(metadata, file);
  assert.ok(record !== undefined, 'one file in, one record out');
  return record;
}

async function folder(metadata: Metadata, text: string, within?: ScopeLayers): Promise<FolderRecord> {
  const found = await metadata.findFolder(CONTAINER, path(text), within);
  assert.ok(found !== undefined, `${text} is missing`);
  return found;
}

const placeOf = (file: FileRecord) => `${file.folderPath === '/' ? '' : file.folderPath}/${file.name}`;
const atFile = (file: FileRecord): At => ({ id: file.id, folderPath: file.folderPath });
const atFolder = (found: FolderRecord): At => ({ id: found.id, folderPath: found.path });
const hasCode = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code;

/** The whole container: its folders with their sums, its files with their places, names and contents. */
async function picturedTree(metadata: Metadata): Promise<unknown> {
  const folders = await metadata.listFolders(folderQuery(), BY_NAME);
  const files = await metadata.listFiles(fileQuery(), BY_NAME);
  const byText = (a: string, b: string) => (a < b ? -1 : 1);
  return {
    folders: [await folder(metadata, '/'), ...folders.items]
      .map(({ path: place, isPublic, filesDirect, filesRecursive, bytesRecursive }) =>
        [place, isPublic, filesDirect, filesRecursive, bytesRecursive].join(' '),
      )
      .sort(byText),
    files: files.map((file) => [placeOf(file), file.id, file.version, file.blobId].join(' ')).sort(byText),
  };
}

/** Every sum equals what adding up the files gives, every file is where its folder is, every folder has its parent. */
async function assertConsistent(metadata: Metadata): Promise<void> {
  const { items } = await metadata.listFolders(folderQuery(), BY_NAME);
  const folders = [await folder(metadata, '/'), ...items];
  const files = await metadata.listFiles(fileQuery(), BY_NAME);
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  assert.deepEqual(await metadata.countFiles(fileQuery()), { files: files.length, bytes });
  const paths = new Map(folders.map((found) => [found.id, found.path]));
  for (const file of files) assert.equal(paths.get(file.folderId), file.folderPath, `the folder of ${placeOf(file)}`);
  for (const found of folders) {
    const inside = files.filter(({ folderPath }) => isBelow(found.path, folderPath));
    assert.equal(found.filesDirect, files.filter(({ folderId }) => folderId === found.id).length, found.path);
    assert.equal(found.filesRecursive, inside.length, found.path);
    assert.equal(
      found.bytesRecursive,
      inside.reduce((sum, file) => sum + file.sizeBytes, 0),
      found.path,
    );
    const parent = found.path.slice(0, found.path.lastIndexOf('/')) || '/';
    assert.ok([...paths.values()].includes(path(parent)), `${found.path} has no parent`);
  }
}

function isBelow(ancestor: string, place: string): boolean {
  return ancestor === '/' || place === ancestor || place.startsWith(`${ancestor}/`);
}

/** The change is refused with the code, and nothing is different afterwards. */
async function assertRefused(metadata: Metadata, code: string, change: () => Promise<unknown>): Promise<void> {
  const before = await picturedTree(metadata);
  await assert.rejects(change(), hasCode(code));
  assert.deepEqual(await picturedTree(metadata), before, `refused with ${code}, but something changed`);
}

// Names that a careless query, pattern or comparison trips over.
const NAUGHTY_NAMES: readonly string[] = [
  "it's.png",
  'say "hello".png',
  '100%.png',
  'a_b.png',
  "'; drop table files; --.png",
  '$1 ? :name @x.png',
  'emoji 🦊👩‍👩‍👧.png',
  'Ünïcödé.png',
  'اردو.png',
  '日本語.png',
  'İstanbul.PNG',
  'ß.png',
  '[a-z]*.png',
  '{"json":1}.png',
  '*.png',
  '~',
  '-rf',
  '0',
  'null',
  'x'.repeat(255),
];

const moves: readonly ContractCase<MetadataStore>[] = [
  {
    name: 'moves a folder with everything below it, and files keep their ids',
    async run(open) {
      const metadata = await ready(open);
      const [deep] = await commit(metadata, '/a/b/c/deep.png', '/a/top.png', '/ab/other.png', '/z/z.png');
      const moved = await metadata.moveFolder(
        CONTAINER,
        atFolder(await folder(metadata, '/a')),
        path('/z/renamed'),
        { within: EVERYWHERE, createParents: false },
        NOW + 1,
      );
      assert.deepEqual(
        [moved.path, moved.name, moved.filesRecursive, moved.updatedAtMs],
        ['/z/renamed', 'renamed', 2, NOW + 1],
      );
      assert.equal(await metadata.findFolder(CONTAINER, path('/a')), undefined);
      const found = await metadata.findFile(CONTAINER, deep?.id ?? '');
      assert.ok(found !== undefined);
      assert.equal(placeOf(found), '/z/renamed/b/c/deep.png');
      assert.equal((await folder(metadata, '/ab')).filesRecursive, 1, 'a sibling with the same beginning was touched');
      await assertConsistent(metadata);
    },
  },
  {
    name: 'renames a folder in its place, also to another case of its name',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, '/photos/2024/a.png');
      const options = { within: EVERYWHERE, createParents: false };
      await metadata.moveFolder(CONTAINER, atFolder(await folder(metadata, '/photos')), path('/Photos'), options, NOW);
      await folder(metadata, '/Photos/2024');
      const same = await folder(metadata, '/Photos');
      await metadata.moveFolder(CONTAINER, atFolder(same), path('/Photos'), options, NOW);
      assert.deepEqual(await folder(metadata, '/Photos'), same, 'a rename to the same name changed something');
    },
  },
  {
    name: 'refuses to move the root, a folder into itself, onto another, or below a missing parent',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, '/a/b/x.png', '/c/x.png');
      const from = atFolder(await folder(metadata, '/a'));
      const root = atFolder(await folder(metadata, '/'));
      const move = (at: At, to: string) => () =>
        metadata.moveFolder(CONTAINER, at, path(to), { within: EVERYWHERE, createParents: false }, NOW);
      await assertRefused(metadata, 'REQUEST_INVALID', move(root, '/elsewhere'));
      await assertRefused(metadata, 'REQUEST_INVALID', move(from, '/'));
      await assertRefused(metadata, 'REQUEST_INVALID', move(from, '/a/b/a'));
      await assertRefused(metadata, 'ALREADY_EXISTS', move(from, '/c'));
      await assertRefused(metadata, 'FOLDER_NOT_FOUND', move(from, '/missing/a'));
      await assertRefused(metadata, 'FOLDER_NOT_FOUND', move({ ...from, id: 'no such folder' }, '/d'));
    },
  },
  {
    name: 'makes the parents of a move when it may',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, '/a/x.png');
      const options = { within: EVERYWHERE, createParents: true };
      const at = atFolder(await folder(metadata, '/a'));
      assert.equal((await metadata.moveFolder(CONTAINER, at, path('/new/er/a'), options, NOW)).path, '/new/er/a');
      await assertConsistent(metadata);
    },
  },
  {
    name: 'asks about every folder of a moved tree at both ends, and one no leaves everything as it was',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, '/a/b/x.png', '/a/c/d/y.png', '/t/t.png');
      const asked = new Set<string>();
      const at = atFolder(await folder(metadata, '/a'));
      const move = (within: (place: CanonicalPath) => boolean) => () =>
        metadata.moveFolder(CONTAINER, at, path('/t/a'), { within, createParents: false }, NOW);
      const everyFolder = ['/a', '/a/b', '/a/c', '/a/c/d', '/t/a', '/t/a/b', '/t/a/c', '/t/a/c/d'];
      for (const forbidden of everyFolder) {
        await assertRefused(
          metadata,
          'SCOPE_DENIED',
          move((place) => place !== forbidden),
        );
      }
      await move((place) => asked.add(place) !== undefined)();
      assert.deepEqual([...asked].sort(), everyFolder);
    },
  },
  {
    name: 'refuses a move that would make a path longer or deeper than paths may be',
    async run(open) {
      const metadata = await ready(open);
      const deep = `/d${'/d'.repeat(40)}`;
      await commit(metadata, `${deep}/x.png`, `/a${'/a'.repeat(40)}/x.png`);
      const at = atFolder(await folder(metadata, '/a'));
      await assertRefused(metadata, 'PATH_INVALID', () =>
        metadata.moveFolder(CONTAINER, at, path(`${deep}/a`), { within: EVERYWHERE, createParents: false }, NOW),
      );
    },
  },
  {
    name: 'acts on nothing that is no longer where the caller was allowed to act on it',
    async run(open) {
      const metadata = await ready(open);
      const [file] = await commit(metadata, '/a/x.png', '/b/y.png');
      assert.ok(file !== undefined);
      const elsewhere = { id: file.id, folderPath: path('/b') };
      const stale = { ...atFolder(await folder(metadata, '/a')), folderPath: path('/before') };
      const within = EVERYWHERE;
      const move = { within, createDestination: true };
      const changes: readonly [code: string, change: () => Promise<unknown>][] = [
        ['FILE_NOT_FOUND', () => metadata.renameFile(CONTAINER, elsewhere, 'z.png', by(NOW))],
        [
          'FOLDER_NOT_FOUND',
          () => metadata.moveFolder(CONTAINER, stale, path('/c'), { within, createParents: true }, NOW),
        ],
        ['FILE_NOT_FOUND', () => metadata.deleteObjects(CONTAINER, { files: [elsewhere], folders: [] }, { within })],
        ['FOLDER_NOT_FOUND', () => metadata.deleteObjects(CONTAINER, { files: [], folders: [stale] }, { within })],
        [
          'FILE_NOT_FOUND',
          () => metadata.moveObjects(CONTAINER, { files: [elsewhere], folders: [] }, path('/n'), move, by(NOW)),
        ],
        [
          'FOLDER_NOT_FOUND',
          () => metadata.moveObjects(CONTAINER, { files: [], folders: [stale] }, path('/n'), move, by(NOW)),
        ],
        [
          'FILE_NOT_FOUND',
          () => metadata.setVisibility(CONTAINER, { files: [elsewhere], folders: [] }, 'public', by(NOW)),
        ],
        [
          'FOLDER_NOT_FOUND',
          () => metadata.setVisibility(CONTAINER, { files: [], folders: [stale] }, 'public', by(NOW)),
        ],
        ['FILE_NOT_FOUND', () => metadata.renameFile('other', atFile(file), 'z.png', by(NOW))],
      ];
      for (const [code, change] of changes) await assertRefused(metadata, code, change);
    },
  },
  {
    name: 'renames a file, keeping its version, and refuses a taken name',
    async run(open) {
      const metadata = await ready(open);
      const [file, other] = await commit(metadata, '/a/x.png', '/a/taken.png', '/b/free.png');
      assert.ok(file !== undefined && other !== undefined);
      await assertRefused(metadata, 'ALREADY_EXISTS', () =>
        metadata.renameFile(CONTAINER, atFile(file), 'taken.png', by(NOW)),
      );
      const renamed = await metadata.renameFile(CONTAINER, atFile(file), 'free.png', by(NOW + 5));
      assert.deepEqual([renamed.id, renamed.version, renamed.modifiedAtMs], [file.id, 0, NOW + 5]);
      assert.equal(await metadata.findFileByName(CONTAINER, path('/a'), 'x.png'), undefined);
      assert.deepEqual(await metadata.findFileByName(CONTAINER, path('/a'), 'free.png'), renamed);
    },
  },
  {
    name: 'moves files and folders together, or nothing of them',
    async run(open) {
      const metadata = await ready(open);
      const [file] = await commit(metadata, '/a/x.png', '/f/g/y.png', '/to/taken.png', '/a/taken.png');
      const taken = await metadata.findFileByName(CONTAINER, path('/a'), 'taken.png');
      assert.ok(file !== undefined && taken !== undefined);
      const objects = { files: [atFile(file)], folders: [atFolder(await folder(metadata, '/f'))] };
      const options = { within: EVERYWHERE, createDestination: false };
      const withTaken = { ...objects, files: [...objects.files, atFile(taken)] };
      await assertRefused(metadata, 'ALREADY_EXISTS', () =>
        metadata.moveObjects(CONTAINER, withTaken, path('/to'), options, by(NOW)),
      );
      await assertRefused(metadata, 'FOLDER_NOT_FOUND', () =>
        metadata.moveObjects(CONTAINER, objects, path('/new'), options, by(NOW)),
      );
      for (const forbidden of ['/a', '/to', '/f', '/f/g', '/to/f', '/to/f/g']) {
        const within = (place: CanonicalPath) => place !== forbidden;
        await assertRefused(metadata, 'SCOPE_DENIED', () =>
          metadata.moveObjects(CONTAINER, objects, path('/to'), { ...options, within }, by(NOW)),
        );
      }
      const moved = await metadata.moveObjects(CONTAINER, objects, path('/to'), options, by(NOW));
      assert.deepEqual(moved.files.map(placeOf), ['/to/x.png']);
      assert.deepEqual(
        moved.folders.map((found) => found.path),
        ['/to/f'],
      );
      assert.deepEqual([moved.destination.path, moved.destination.filesRecursive], ['/to', 3]);
      await assertConsistent(metadata);
    },
  },
  {
    name: 'makes the destination when it may, moves nested folders out of each other, and leaves what is there alone',
    async run(open) {
      const metadata = await ready(open);
      const [file] = await commit(metadata, '/a/b/x.png', '/a/y.png');
      assert.ok(file !== undefined);
      const folders = [atFolder(await folder(metadata, '/a')), atFolder(await folder(metadata, '/a/b'))];
      const options = { within: EVERYWHERE, createDestination: true };
      const moved = await metadata.moveObjects(CONTAINER, { files: [], folders }, path('/n/m'), options, by(NOW));
      assert.deepEqual(
        moved.folders.map((found) => found.path),
        ['/n/m/a', '/n/m/b'],
      );
      const here = { files: [{ id: file.id, folderPath: path('/n/m/b') }], folders: [] };
      const stayed = await metadata.moveObjects(CONTAINER, here, path('/n/m/b'), options, by(NOW + 9));
      assert.deepEqual([stayed.files[0]?.modifiedAtMs, stayed.files.map(placeOf)], [NOW, ['/n/m/b/x.png']]);
      await assertConsistent(metadata);
    },
  },
  {
    name: 'of two folders moved into each other at once exactly one arrives',
    async run(open) {
      const [here, there] = [await ready(open), await ready(open)];
      for (let round = 0; round < 5; round += 1) {
        await commit(here, `/a${round}/x.png`, `/b${round}/x.png`);
        const [a, b] = [await folder(here, `/a${round}`), await folder(here, `/b${round}`)];
        const options = { within: EVERYWHERE, createParents: false };
        const results = await Promise.allSettled([
          here.moveFolder(CONTAINER, atFolder(a), path(`/b${round}/a`), options, NOW),
          there.moveFolder(CONTAINER, atFolder(b), path(`/a${round}/b`), options, NOW),
        ]);
        assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
        for (const result of results) {
          if (result.status === 'rejected')
            assert.ok(hasCode('FOLDER_NOT_FOUND')(result.reason), String(result.reason));
        }
      }
      await assertConsistent(here);
    },
  },
];

const deletions: readonly ContractCase<MetadataStore>[] = [
  {
    name: 'deletes files with all versions and folders with everything below, and answers their blobs',
    async run(open) {
      const metadata = await ready(open);
      const [first] = await commit(
        metadata,
        picture('/a/x.png', { blobId: 'x0' }),
        picture('/a/x.png', { blobId: 'x1' }),
        picture('/f/g/h.png', { blobId: 'h' }),
        picture('/f/i.png', { blobId: 'i' }),
        picture('/ff/stays.png', { blobId: 's' }),
      );
      assert.ok(first !== undefined);
      const objects = { files: [atFile(first)], folders: [atFolder(await folder(metadata, '/f'))] };
      const { blobIds } = await metadata.deleteObjects(CONTAINER, objects, { within: EVERYWHERE });
      assert.deepEqual([...blobIds].sort(), ['h', 'i', 'x0', 'x1']);
      assert.deepEqual((await metadata.listFiles(fileQuery(), BY_NAME)).map(placeOf), ['/ff/stays.png']);
      assert.equal(await metadata.findFolder(CONTAINER, path('/f/g')), undefined);
      assert.equal(await metadata.findFile(CONTAINER, first.id, 0), undefined);
      await assertConsistent(metadata);
    },
  },
  {
    name: 'never answers a blob that some version of another file still points to',
    async run(open) {
      const metadata = await ready(open);
      const [file] = await commit(
        metadata,
        picture('/a/x.png', { blobId: 'shared' }),
        picture('/b/y.png', { blobId: 'shared' }),
        picture('/b/y.png', { blobId: 'newer' }),
      );
      assert.ok(file !== undefined);
      const objects = { files: [atFile(file)], folders: [] };
      assert.deepEqual(await metadata.deleteObjects(CONTAINER, objects, { within: EVERYWHERE }), { blobIds: [] });
      assert.deepEqual(await metadata.findOrphans(['shared', 'newer', 'unknown']), ['unknown']);
    },
  },
  {
    name: 'refuses to delete the root, and asks about every folder that a deletion touches',
    async run(open) {
      const metadata = await ready(open);
      const [file] = await commit(metadata, '/a/x.png', '/f/g/h.png');
      assert.ok(file !== undefined);
      const root = { files: [], folders: [atFolder(await folder(metadata, '/'))] };
      await assertRefused(metadata, 'REQUEST_INVALID', () =>
        metadata.deleteObjects(CONTAINER, root, { within: EVERYWHERE }),
      );
      const objects = { files: [atFile(file)], folders: [atFolder(await folder(metadata, '/f'))] };
      for (const forbidden of ['/a', '/f', '/f/g']) {
        const within = (place: CanonicalPath) => place !== forbidden;
        await assertRefused(metadata, 'SCOPE_DENIED', () => metadata.deleteObjects(CONTAINER, objects, { within }));
      }
    },
  },
  {
    name: 'deletes an object that is named twice, or once more by the folder above it, once',
    async run(open) {
      const metadata = await ready(open);
      const file = await commitOne(metadata, picture('/f/g/x.png', { blobId: 'x' }));
      const [outer, inner] = [atFolder(await folder(metadata, '/f')), atFolder(await folder(metadata, '/f/g'))];
      const objects = { files: [atFile(file), atFile(file)], folders: [outer, inner, outer] };
      assert.deepEqual(await metadata.deleteObjects(CONTAINER, objects, { within: EVERYWHERE }), { blobIds: ['x'] });
      await assertConsistent(metadata);
    },
  },
  {
    name: 'keeps its sums while files of one folder are uploaded, renamed, moved and deleted at once',
    async run(open) {
      const nodes = [await ready(open), await ready(open)] as const;
      const names = Array.from({ length: 12 }, (_, index) => `${index}.png`);
      const files = await commit(nodes[0], ...names.map((name) => `/f/${name}`));
      await nodes[0].createFolder(CONTAINER, path('/to'), NOW);
      const results = await Promise.allSettled(
        files.flatMap((file, index) => {
          const [here, there] = index % 2 === 0 ? nodes : ([nodes[1], nodes[0]] as const);
          const objects = { files: [atFile(file)], folders: [] };
          const options = { within: EVERYWHERE, createDestination: false };
          return [
            here.deleteObjects(CONTAINER, objects, { within: EVERYWHERE }),
            there.moveObjects(CONTAINER, objects, path('/to'), options, by(NOW)),
            here.renameFile(CONTAINER, atFile(file), `renamed-${index}`, by(NOW)),
            there.setVisibility(CONTAINER, objects, 'public', by(NOW)),
            here.commitFiles(CONTAINER, [picture(`/f/${file.name}`, { sizeBytes: 3 })], by(NOW)),
          ];
        }),
      );
      for (const result of results) {
        if (result.status === 'rejected') assert.ok(hasCode('FILE_NOT_FOUND')(result.reason), String(result.reason));
      }
      await assertConsistent(nodes[0]);
    },
  },
  {
    name: 'keeps the totals of the container and of every folder through random changes that several nodes make at once',
    async run(open) {
      const seed = Date.now() % 0x7fffffff;
      const random = randomOf(seed);
      const nodes = [await ready(open), await ready(open), await ready(open)] as const;
      const names = ['a', 'b', 'c'] as const;
      const place = () => Array.from({ length: 1 + random.below(3) }, () => `/${random.pick(names)}`).join('');
      const upload = () => picture(`${place()}/${random.below(4)}.png`, { sizeBytes: random.below(1000) });
      const expected = ['FILE_NOT_FOUND', 'FOLDER_NOT_FOUND', 'ALREADY_EXISTS', 'REQUEST_INVALID', 'SCOPE_DENIED'];
      try {
        for (let round = 0; round < 12; round += 1) {
          const files = await nodes[0].listFiles(fileQuery(), BY_NAME);
          const { items: folders } = await nodes[0].listFolders(folderQuery(), BY_NAME);
          const someFiles = () => files.filter(() => random.below(4) === 0);
          const someFolders = () => folders.filter(() => random.below(6) === 0);
          const change = async (metadata: Metadata): Promise<unknown> => {
            const objects = { files: someFiles().map(atFile), folders: someFolders().map(atFolder) };
            const [file, found] = [files[random.below(files.length + 1)], folders[random.below(folders.length + 1)]];
            // What is refused in the middle of a change takes back what was done before it.
            const within = random.below(3) === 0 ? (at: CanonicalPath) => !at.startsWith('/a/b') : EVERYWHERE;
            switch (random.below(7)) {
              case 0:
                return metadata.moveObjects(
                  CONTAINER,
                  objects,
                  path(place()),
                  { within, createDestination: true },
                  by(NOW),
                );
              case 1:
                return (
                  found &&
                  metadata.moveFolder(CONTAINER, atFolder(found), path(place()), { within, createParents: true }, NOW)
                );
              case 2:
                return metadata.deleteObjects(CONTAINER, objects, { within });
              case 3:
                if (file === undefined || file.version === 0) return undefined;
                return random.below(2) === 0
                  ? metadata.restoreVersion(CONTAINER, { ...atFile(file), version: 0 }, 'k', by(NOW))
                  : metadata.deleteObjects(
                      CONTAINER,
                      { files: [], folders: [] },
                      { within, versions: { of: [{ ...atFile(file), version: 0 }], author: by(NOW) } },
                    );
              default:
                return metadata.commitFiles(CONTAINER, Array.from({ length: 1 + random.below(3) }, upload), by(NOW));
            }
          };
          const results = await Promise.allSettled(
            Array.from({ length: 9 }, (_, index) => change(nodes[index % 3] ?? nodes[0])),
          );
          for (const result of results) {
            if (result.status === 'rejected') {
              assert.ok(
                expected.some((code) => hasCode(code)(result.reason)),
                String(result.reason),
              );
            }
          }
          await assertConsistent(nodes[0]);
        }
      } catch (error) {
        throw new Error(`with the seed ${seed}`, { cause: error });
      }
    },
  },
  {
    name: 'loses no acknowledged upload to a folder that is deleted at the same time',
    async run(open) {
      const [here, there] = [await ready(open), await ready(open)];
      for (let round = 0; round < 4; round += 1) {
        await commit(here, '/f/first.png');
        const doomed = { files: [], folders: [atFolder(await folder(here, '/f'))] };
        const deleting = there.deleteObjects(CONTAINER, doomed, { within: EVERYWHERE });
        const uploads = await Promise.all(
          Array.from({ length: 8 }, (_, index) => commitOne(index % 2 === 0 ? here : there, `/f/sub/${index}.png`)),
        );
        const { blobIds } = await deleting;
        for (const file of uploads) {
          const found = await here.findFile(CONTAINER, file.id);
          assert.notEqual(
            found === undefined,
            !blobIds.includes(file.blobId),
            'a file is gone, its blob unaccounted for',
          );
        }
        await assertConsistent(here);
      }
    },
  },
];

const listings: readonly ContractCase<MetadataStore>[] = [
  {
    name: 'pages files in the order of every key, ties by name, and backwards in exactly the reverse',
    async run(open) {
      const metadata = await ready(open);
      const random = randomOf(7);
      const mimes = ['image/png', 'image/jpeg', 'text/plain', 'application/pdf'] as const;
      for (let index = 0; index < 40; index += 1) {
        const file = picture(`/p/${random.pick(['A', 'a', 'É', 'e', 'z', '_', '1'])}${random.below(1000)}-${index}`, {
          mime: random.pick(mimes),
          sizeBytes: random.below(5),
          meta: random.below(2) === 0 ? {} : { title: random.pick(['Été', 'b', 'Z']) },
        });
        await metadata.commitFiles(CONTAINER, [file], by(NOW + random.below(4)));
      }
      const value: Record<FileSortKey, (file: FileRecord) => string | number> = {
        name: (file) => file.name.normalize('NFC').toLowerCase(),
        title: (file) => fold(String(file.meta['title'] ?? file.name)),
        created_at: (file) => file.createdAtMs,
        modified_at: (file) => file.modifiedAtMs,
        size: (file) => file.sizeBytes,
        type: (file) => file.mime,
      };
      for (const recursive of [true, false]) {
        const query = fileQuery({ folderPath: path(recursive ? '/' : '/p'), recursive });
        for (const sort of SORT_KEYS) {
          const all = await metadata.listFiles(query, { ...BY_NAME, sort });
          assert.equal(all.length, 40);
          for (const [index, file] of all.entries()) {
            const next = all[index + 1];
            if (next === undefined) continue;
            const [left, right] = [value[sort](file), value[sort](next)];
            assert.ok(compare(left, right) <= 0, `${sort}: ${left} before ${right}`);
            if (left === right) assert.ok(compare(value.name(file), value.name(next)) <= 0, `${sort}: ties by name`);
          }
          const paged: FileRecord[] = [];
          for (let offset = 0; offset < 40; offset += 7) {
            paged.push(...(await metadata.listFiles(query, { sort, descending: false, offset, limit: 7 })));
          }
          assert.deepEqual(paged, all, `${sort}: the pages together are not the whole`);
          const backwards = await metadata.listFiles(query, { ...BY_NAME, sort, descending: true });
          assert.deepEqual(backwards, [...all].reverse(), `${sort}: descending is not the reverse`);
        }
      }
    },
  },
  {
    name: 'pages folders in the order of every key, with the total before paging',
    async run(open) {
      const metadata = await ready(open);
      for (const [index, name] of ['b', 'C', 'a', 'É', '_'].entries()) {
        await metadata.createFolder(CONTAINER, path(`/p/${name}`), NOW + index);
        await commit(metadata, picture(`/p/${name}/sub/x.png`, { sizeBytes: (index * 7) % 5 }));
      }
      const orders: readonly [SortKey, readonly string[]][] = [
        ['name', ['_', 'a', 'b', 'C', 'É']],
        ['type', ['_', 'a', 'b', 'C', 'É']],
        ['created_at', ['b', 'C', 'a', 'É', '_']],
        ['modified_at', ['b', 'C', 'a', 'É', '_']],
        ['title', ['_', 'a', 'b', 'C', 'É']],
        ['size', ['b', 'É', 'C', '_', 'a']],
      ];
      const query = folderQuery({ folderPath: path('/p'), recursive: false });
      for (const [sort, expected] of orders) {
        const names = async (paging: Partial<Paging>) => {
          const { items, total } = await metadata.listFolders(query, { ...BY_NAME, sort, ...paging });
          assert.equal(total, 5);
          return items.map(({ name }) => name);
        };
        assert.deepEqual(await names({}), expected, sort);
        assert.deepEqual(await names({ descending: true }), [...expected].reverse(), sort);
        assert.deepEqual(await names({ offset: 3, limit: 4 }), expected.slice(3), sort);
      }
      assert.equal(await metadata.countFolders(query), 5);
      assert.equal(await metadata.countFolders(folderQuery()), 11);
    },
  },
  {
    name: 'finds names that contain every word, whatever their case and Unicode form, and takes no character for a pattern',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, ...NAUGHTY_NAMES.map((name) => `/n/${name}`), '/n/Blue Summer Dress.JPG', '/n/C:back.png');
      const find = async (...words: readonly string[]) => {
        const query = fileQuery({ where: saying(...words) });
        const found = await metadata.listFiles(query, BY_NAME);
        assert.equal((await metadata.countFiles(query)).files, found.length);
        return found.map(({ name }) => name);
      };
      assert.deepEqual(await find('dress', 'BLUE'), ['Blue Summer Dress.JPG']);
      assert.deepEqual(await find('dress', 'red'), []);
      assert.deepEqual(await find('%'), ['100%.png']);
      assert.deepEqual(await find('_'), ['a_b.png']);
      assert.deepEqual(await find("'; drop"), ["'; drop table files; --.png"]);
      assert.deepEqual(await find('ÜNÏCÖDÉ'.normalize('NFD')), ['Ünïcödé.png']);
      assert.deepEqual(await find('🦊'), ['emoji 🦊👩‍👩‍👧.png']);
      assert.deepEqual(await find('\\'), []);
      assert.deepEqual(await find('\0'), []);
    },
  },
  {
    name: 'finds folders by what their names are like',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, '/Blue Summer/x', '/blue/x', '/blue/100%/x', '/Ünïcödé/x', "/'; drop/x");
      const find = async (names: NameCondition) => {
        const query = folderQuery({ names });
        const { items, total } = await metadata.listFolders(query, BY_NAME);
        assert.equal(await metadata.countFolders(query), total);
        return items.map(({ name }) => name);
      };
      const named = (is: 'equal' | 'begins' | 'contains', text: string) => ({ of: 'name', is, text }) as const;
      const all = (await find(EVERY_NAME)).length;
      assert.equal(all, 5);
      assert.deepEqual(await find(NO_NAME), []);
      assert.deepEqual(await find(named('contains', 'SUMMER')), ['Blue Summer']);
      assert.deepEqual(await find(named('begins', 'BLUE')), ['blue', 'Blue Summer']);
      assert.deepEqual(await find(named('begins', 'summer')), []);
      assert.deepEqual(await find(named('equal', 'Blue')), ['blue']);
      assert.deepEqual(await find(named('contains', '%')), ['100%']);
      assert.deepEqual(await find(named('begins', '_')), []);
      assert.deepEqual(await find(named('contains', "'; DROP")), ["'; drop"]);
      assert.deepEqual(await find(named('equal', 'ÜNÏCÖDÉ'.normalize('NFD'))), ['Ünïcödé']);
      assert.deepEqual(await find(named('contains', '\0')), []);
      assert.equal((await find({ of: 'not', condition: named('contains', '\0') })).length, all);
      const blue = named('contains', 'blue');
      const summer = named('contains', 'summer');
      assert.deepEqual(await find({ of: 'all', conditions: [blue, { of: 'not', condition: summer }] }), ['blue']);
      const lots = Array.from({ length: 200 }, (_, i) => named('contains', `no ${i}`));
      assert.deepEqual(await find({ of: 'any', conditions: [...lots, summer] }), ['Blue Summer']);
    },
  },
  {
    name: 'finds by whole MIME type and by prefix',
    async run(open) {
      const metadata = await ready(open);
      const mimes = ['image/png', 'image/svg+xml', 'imagery/x', 'image', 'text/plain'];
      await commit(metadata, ...mimes.map((mime, index) => picture(`/${index}`, { mime, sizeBytes: 2 })));
      const find = async (...wanted: readonly string[]) => {
        const conditions = wanted.map((mime) => ({ of: 'mime', mime }) as const);
        const query = fileQuery({ where: { of: 'any', conditions } });
        const found = (await metadata.listFiles(query, BY_NAME)).map(({ mime }) => mime);
        assert.deepEqual(await metadata.countFiles(query), { files: found.length, bytes: 2 * found.length });
        return found;
      };
      assert.deepEqual(await find('image/'), ['image/png', 'image/svg+xml']);
      assert.deepEqual(await find('image/png', 'text/'), ['image/png', 'text/plain']);
      assert.deepEqual(await find('image/p'), []);
    },
  },
  {
    name: 'keeps names exactly, however they look, and finds each by its name alone',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, ...NAUGHTY_NAMES.map((name) => `/${name}/${name}`));
      for (const name of NAUGHTY_NAMES) {
        const place = path(`/${name}`);
        assert.equal((await metadata.findFileByName(CONTAINER, place, name))?.name, name);
        const query = fileQuery({ folderPath: place });
        assert.deepEqual(await metadata.countFiles(query), { files: 1, bytes: 10 }, name);
        assert.equal((await metadata.findFolder(CONTAINER, place))?.filesRecursive, 1, name);
      }
      await assertConsistent(metadata);
    },
  },
  {
    name: 'keeps the longest and deepest paths, and siblings that differ only at their very end apart',
    async run(open) {
      const metadata = await ready(open);
      const long = `/${'ü'.repeat(127)}`.repeat(15);
      await commit(metadata, `${long}/last-a/x.png`, `${long}/last-b/y.png`, `/d${'/d'.repeat(62)}/z.png`);
      for (const [place, files] of [
        [long, 2],
        [`${long}/last-a`, 1],
        [`${long}/last-b`, 1],
        ['/d', 1],
      ] as const) {
        assert.equal((await folder(metadata, place)).filesRecursive, files);
        assert.equal((await metadata.listFiles(fileQuery({ folderPath: path(place) }), BY_NAME)).length, files);
      }
      await metadata.moveFolder(
        CONTAINER,
        atFolder(await folder(metadata, `${long}/last-a`)),
        path('/short'),
        { within: EVERYWHERE, createParents: false },
        NOW,
      );
      assert.deepEqual(
        [(await folder(metadata, long)).filesRecursive, (await folder(metadata, '/short')).filesRecursive],
        [1, 1],
      );
    },
  },
  {
    name: 'lists, counts and sums only what every scope layer covers',
    async run(open) {
      const metadata = await ready(open);
      const places = ['/r.png', '/a/1.png', '/a/b/2.png', '/a/b/c/3.png', '/ab/4.png', '/z/y/5.png'];
      await commit(metadata, ...places);
      const cases: readonly [layers: ScopeLayers, visible: readonly string[]][] = [
        [[], places],
        [[layer('/*')], places],
        [[layer('/')], ['/r.png']],
        [[layer('/a')], ['/a/1.png']],
        [[layer('/a/*')], ['/a/1.png', '/a/b/2.png', '/a/b/c/3.png']],
        [[layer('/a/*', '/z/*')], ['/a/1.png', '/a/b/2.png', '/a/b/c/3.png', '/z/y/5.png']],
        [
          [layer('/a/*', '/z/*'), layer('/a/b/*', '/z')],
          ['/a/b/2.png', '/a/b/c/3.png'],
        ],
        [[layer('/a/*'), layer('/a/b')], ['/a/b/2.png']],
        [[layer('/a/*'), layer('/z/*')], []],
        [[[]], []],
      ];
      for (const [within, visible] of cases) {
        const query = fileQuery({ within });
        assert.deepEqual((await metadata.listFiles(query, BY_NAME)).map(placeOf).sort(), [...visible].sort());
        const sum = { files: visible.length, bytes: visible.length * 10 };
        assert.deepEqual(await metadata.countFiles(query), sum);
        assert.deepEqual(await metadata.countFiles({ ...query, where: saying('png') }), sum);
        const root = await folder(metadata, '/', within);
        assert.deepEqual([root.filesRecursive, root.bytesRecursive], [sum.files, sum.bytes]);
        const direct = fileQuery({ folderPath: path('/a'), recursive: false, within });
        const inA = visible.filter((place) => place === '/a/1.png');
        assert.deepEqual((await metadata.listFiles(direct, BY_NAME)).map(placeOf), inA);
        assert.equal((await metadata.countFiles(direct)).files, inA.length);
      }
    },
  },
  {
    name: 'shows a folder above a scope as the bare way to it, and no other folder outside the scopes',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, '/a/1.png', '/a/b/2.png', '/a/b/c/3.png', '/a/x/4.png', '/ab/5.png');
      const listed = async (within: ScopeLayers, different: Partial<FolderQuery> = {}) => {
        const query = folderQuery({ within, ...different });
        const { items, total } = await metadata.listFolders(query, BY_NAME);
        assert.equal(total, items.length);
        return items.map(({ path: place, filesDirect, filesRecursive, bytesRecursive }) =>
          [place, filesDirect, filesRecursive, bytesRecursive].join(' '),
        );
      };
      assert.deepEqual(await listed([layer('/a/b')]), ['/a 0 1 10', '/a/b 1 1 10']);
      assert.deepEqual(await listed([layer('/a/b/*')]), ['/a 0 2 20', '/a/b 1 2 20', '/a/b/c 1 1 10']);
      assert.deepEqual(await listed([layer('/a/*'), layer('/a/b/c')]), ['/a 0 1 10', '/a/b 0 1 10', '/a/b/c 1 1 10']);
      assert.deepEqual(await listed([layer('/a/*'), layer('/ab/*')]), []);
      assert.deepEqual(await listed([layer('/a/b')], { recursive: false }), ['/a 0 1 10']);
      const bySize = await metadata.listFolders(folderQuery({ within: [layer('/a/b/*', '/ab')] }), {
        ...BY_NAME,
        sort: 'size',
        descending: true,
      });
      assert.deepEqual(
        bySize.items.map(({ path: place }) => place),
        ['/a/b', '/a', '/a/b/c', '/ab'],
      );
    },
  },
  {
    name: 'copes with thousands of scopes',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, '/s1999/x.png', '/s1999/deep/y.png', '/t/z.png');
      const many = Array.from({ length: 2000 }, (_, index) => `/s${index}/*`);
      const within = [layer(...many)];
      assert.equal((await metadata.listFiles(fileQuery({ within }), BY_NAME)).length, 2);
      assert.equal((await metadata.listFolders(folderQuery({ within }), BY_NAME)).total, 2);
      assert.equal((await folder(metadata, '/', within)).filesRecursive, 2);
    },
  },
  {
    name: 'previews the newest files directly in each folder, and none of other containers',
    async run(open) {
      const store = await open();
      const { metadata } = store;
      for (const container of [CONTAINER, 'other']) await store.templates.ensureContainer(container, NOW);
      for (const index of [3, 1, 2, 0]) {
        await metadata.commitFiles(CONTAINER, [picture(`/p/${index}.png`)], by(NOW + index));
      }
      await commit(metadata, '/p/sub/below.png');
      await metadata.createFolder(CONTAINER, path('/empty'), NOW);
      await metadata.commitFiles('other', [picture('/p/foreign.png')], by(NOW));
      const foreign = await metadata.findFolder('other', path('/p'));
      const [p, empty] = [await folder(metadata, '/p'), await folder(metadata, '/empty')];
      const previews = await metadata.previewFiles(CONTAINER, [p.id, empty.id, foreign?.id ?? '', 'unknown'], 3);
      assert.deepEqual(previews.get(p.id)?.map(placeOf), ['/p/3.png', '/p/2.png', '/p/1.png']);
      assert.deepEqual([...previews.values()].flat().length, 3);
    },
  },
];

const records: readonly ContractCase<MetadataStore>[] = [
  {
    name: 'a container has a root with nothing in it, and a container that nobody made has nothing',
    async run(open) {
      const metadata = await ready(open);
      const root = await folder(metadata, '/');
      assert.deepEqual(
        [root.path, root.name, root.isPublic, root.visibility, root.filesRecursive, root.bytesRecursive],
        ['/', '/', true, 'inherited', 0, 0],
      );
      assert.deepEqual(await metadata.findFolderById(CONTAINER, root.id), root);
      assert.equal(await metadata.findFolderById('other', root.id), undefined);
      assert.equal(await metadata.findFolder('other', ROOT), undefined);
      await assert.rejects(metadata.commitFiles('other', [picture('/x')], by(NOW)), hasCode('CONTAINER_NOT_FOUND'));
      await assert.rejects(metadata.createFolder('other', path('/x'), NOW), hasCode('CONTAINER_NOT_FOUND'));
    },
  },
  {
    name: 'makes a folder with its parents, once',
    async run(open) {
      const metadata = await ready(open);
      const made = await metadata.createFolder(CONTAINER, path('/a/b/c'), NOW + 3);
      assert.deepEqual([made.path, made.name, made.createdAtMs, made.updatedAtMs], ['/a/b/c', 'c', NOW + 3, NOW + 3]);
      assert.deepEqual(await folder(metadata, '/a/b/c'), made);
      await folder(metadata, '/a/b');
      for (const taken of ['/a', '/a/b/c', '/']) {
        await assertRefused(metadata, 'ALREADY_EXISTS', () => metadata.createFolder(CONTAINER, path(taken), NOW));
      }
    },
  },
  {
    name: 'of many who make the same folder at once exactly one does, and its parents are made once',
    async run(open) {
      const nodes = [await ready(open), await ready(open)];
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => nodes[index % 2]?.createFolder(CONTAINER, path('/a/b/c'), NOW)),
      );
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const result of results) {
        if (result.status === 'rejected') assert.ok(hasCode('ALREADY_EXISTS')(result.reason), String(result.reason));
      }
      const [metadata] = nodes;
      assert.ok(metadata !== undefined);
      assert.equal((await metadata.listFolders(folderQuery(), BY_NAME)).total, 3);
    },
  },
  {
    name: 'gives back every field of a file, on every node, as soon as it is acknowledged',
    async run(open) {
      const [here, there] = [await ready(open), await ready(open)];
      const given = picture('/a/x.png', {
        sizeBytes: 5_000_000_000,
        meta: { title: { en: 'Red "square"', de: 'é\u0000' }, n: 1.5, list: [1, null, true] },
        tags: { en: [{ sid: '#tg1', label: 'summer' }] },
        info: { img_w: 320, img_h: 200 },
        productRef: 'R1',
        productPosition: 3,
      });
      const record = await commitOne(here, given);
      assert.match(record.id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{8}$/);
      assert.deepEqual(record, {
        ...given,
        id: record.id,
        version: 0,
        currentVersion: 0,
        folderId: (await folder(here, '/a')).id,
        visibility: 'inherited',
        isPublic: true,
        labels: [],
        approval: undefined,
        createdAtMs: NOW,
        modifiedAtMs: NOW,
      });
      assert.deepEqual(await there.findFile(CONTAINER, record.id), record);
      assert.deepEqual(await there.findFileByName(CONTAINER, path('/a'), 'x.png'), record);
      assert.deepEqual(await there.listFiles(fileQuery(), BY_NAME), [record]);
      assert.equal(await there.findFile('other', record.id), undefined);
      assert.equal(await there.findFile(CONTAINER, 'unknown \0'), undefined);
      const many = ['unknown \0', record.id, 'a"b', record.id, '{c}', '\\', ''];
      assert.deepEqual(await there.findFiles(CONTAINER, many), [record]);
      assert.deepEqual(await there.findFiles('other', many), []);
    },
  },
  {
    name: 'holds what an upload says of a file that was there to its bounds, and a new file to none',
    async run(open) {
      const metadata = await ready(open);
      const words = { meta: { a: 1, b: 2 }, tags: { en: [{ sid: '#tg1', label: 'x' }] } };
      const product = { productRef: 'R', productPosition: 1 };
      const bounds = (description: Latitude, ofProduct: Latitude) => ({
        ofOld: { description, product: ofProduct },
      });
      const again = (...said: readonly Partial<NewFile>[]) =>
        commit(metadata, picture('/a/x.png', Object.assign({}, ...said)));
      const [first] = await again(words, product, bounds('nothing', 'nothing'));
      assert.deepEqual(first?.meta, words.meta);
      const refused = [
        () => again({ meta: { a: 1 } }, bounds('nothing', 'anything')),
        () => again({ tags: words.tags }, bounds('nothing', 'anything')),
        () => again({ meta: { a: 2 } }, bounds('the same', 'anything')),
        () => again({ meta: { c: 1 } }, bounds('the same', 'anything')),
        () => again({ tags: { fr: [] } }, bounds('the same', 'anything')),
        () => again({ productRef: 'R' }, bounds('anything', 'nothing')),
        () => again({ productPosition: 2 }, bounds('anything', 'the same')),
      ];
      for (const commitment of refused) await assert.rejects(commitment(), hasCode('DESCRIPTION_FOREIGN'));
      const other = picture('/a/other.png', { blobId: 'not kept' });
      const both = [other, picture('/a/x.png', { meta: { a: 3 }, ...bounds('the same', 'nothing') })];
      await assert.rejects(metadata.commitFiles(CONTAINER, both, by(NOW)), hasCode('DESCRIPTION_FOREIGN'));
      assert.equal(await metadata.findFileByName(CONTAINER, path('/a'), 'other.png'), undefined);
      await again(bounds('nothing', 'nothing'));
      await again(words, product, bounds('the same', 'the same'));
      const [last] = await again({ meta: { a: 2 } }, product, bounds('anything', 'the same'));
      assert.deepEqual([last?.version, last?.meta, last?.productRef], [3, { a: 2, b: 2 }, 'R']);
    },
  },
  {
    name: 'a taken name is left alone where that is asked for: the new file gets the first free one beside it, of a length that names may have',
    async run(open) {
      const metadata = await ready(open);
      const add = async (name: string) => {
        const file = { ...picture('/a/x.png', { whenTaken: 'rename' }), name };
        const [added] = await metadata.commitFiles(CONTAINER, [file], by(NOW));
        return added;
      };
      const [first] = await commit(metadata, '/a/x.png');
      const names = [await add('y.png'), await add('x.png'), await add('x.png')].map((file) => file?.name);
      assert.deepEqual(names, ['y.png', 'x (2).png', 'x (3).png']);
      assert.deepEqual([(await add('.x'))?.name, (await add('.x'))?.name], ['.x', '.x (2)']);
      const long = `${'é'.repeat(124)}🌍.txt`;
      assert.equal((await add(long))?.name, long);
      const shortened = (await add(long))?.name ?? '';
      assert.match(shortened, /^é{123,124} \(2\)\.txt$/);
      const endless = `x.${'y'.repeat(250)}`;
      await add(endless);
      assert.equal((await add(endless))?.name, 'file (2)');
      const untouched = first && (await metadata.findFile(CONTAINER, first.id));
      assert.equal(untouched?.version, 0);
      // Far beyond what is tried in order, and all in one request.
      const more = await metadata.commitFiles(
        CONTAINER,
        Array.from({ length: 40 }, () => picture('/a/x.png', { whenTaken: 'rename' })),
        by(NOW),
      );
      assert.equal(new Set(more.map(({ name }) => name)).size, 40);
      assert.equal(new Set(more.map(({ id }) => id)).size, 40);
    },
  },
  {
    name: 'a taken name becomes the next version: same id, counted from 0, older contents kept, metadata merged over',
    async run(open) {
      const metadata = await ready(open);
      const [first] = await commit(
        metadata,
        picture('/a/x.png', {
          meta: { kept: 1, over: 1 },
          tags: { en: [{ sid: '#tg1', label: 'a' }] },
          productRef: 'R',
          sizeBytes: 1,
          blobId: 'b0',
        }),
      );
      assert.ok(first !== undefined);
      await metadata.setVisibility(CONTAINER, { files: [atFile(first)], folders: [] }, 'not_public', by(NOW));
      const again = picture('/a/x.png', {
        meta: { over: 2 },
        sizeBytes: 20,
        blobId: 'b1',
        mime: 'image/webp',
        uploadedBy: 'key-2',
      });
      const [second] = await metadata.commitFiles(CONTAINER, [again], by(NOW + 1));
      const [third] = await metadata.commitFiles(CONTAINER, [picture('/a/x.png', { productPosition: 4 })], by(NOW + 2));
      assert.ok(second !== undefined && third !== undefined);
      assert.deepEqual([second.id, third.id], [first.id, first.id]);
      assert.deepEqual([first.version, second.version, third.version], [0, 1, 2]);
      assert.deepEqual(third.meta, { kept: 1, over: 2 });
      assert.deepEqual(
        [third.tags, third.productRef, third.productPosition],
        [{ en: [{ sid: '#tg1', label: 'a' }] }, 'R', 4],
      );
      assert.deepEqual([third.visibility, third.isPublic], ['not_public', false]);
      assert.deepEqual([third.createdAtMs, third.modifiedAtMs], [NOW, NOW + 2]);
      const old = await metadata.findFile(CONTAINER, first.id, 0);
      assert.deepEqual(
        [old?.blobId, old?.sizeBytes, old?.version, old?.currentVersion, old?.uploadedBy, old?.modifiedAtMs],
        ['b0', 1, 0, 2, 'key-1', NOW],
      );
      const middle = await metadata.findFile(CONTAINER, first.id, 1);
      assert.deepEqual([middle?.blobId, middle?.mime, middle?.uploadedBy], ['b1', 'image/webp', 'key-2']);
      assert.equal(await metadata.findFile(CONTAINER, first.id, 3), undefined);
      const { filesDirect, bytesRecursive } = await folder(metadata, '/a');
      assert.deepEqual([filesDirect, bytesRecursive], [1, 10]);
    },
  },
  {
    name: 'finds the nearest file of the same content within reach, in its current version, and nothing beyond the scopes',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, picture('/a/x', { sha256: 'same' }), picture('/b/y', { sha256: 'same' }));
      await commit(metadata, picture('/c/old', { sha256: 'past' }), picture('/c/old', { sha256: 'present' }));
      await commit(metadata, picture('/e/empty', { sha256: 'empty', sizeBytes: 0 }));
      assert.equal(await duplicatesOf(metadata, '/a/x', 'same', 'name'), '/a/x');
      assert.equal(await duplicatesOf(metadata, '/a/other', 'same', 'name'), undefined);
      assert.equal(await duplicatesOf(metadata, '/a/x', 'differs', 'container'), undefined);
      assert.equal(await duplicatesOf(metadata, '/a/other', 'same', 'folder'), '/a/x');
      assert.equal(await duplicatesOf(metadata, '/b/x', 'same', 'folder'), '/b/y');
      assert.equal(await duplicatesOf(metadata, '/c/x', 'same', 'folder'), undefined);
      assert.equal(await duplicatesOf(metadata, '/nowhere/x', 'same', 'folder'), undefined);
      assert.equal(await duplicatesOf(metadata, '/b/x', 'same', 'container'), '/b/y');
      assert.ok(['/a/x', '/b/y'].includes((await duplicatesOf(metadata, '/new/x', 'same', 'container')) ?? ''));
      assert.equal(await duplicatesOf(metadata, '/c/old', 'past', 'container'), undefined);
      assert.equal(await duplicatesOf(metadata, '/c/old', 'present', 'name'), '/c/old');
      assert.equal(await duplicatesOf(metadata, '/e/empty', 'empty', 'name', [], 0), '/e/empty');
      assert.equal(await duplicatesOf(metadata, '/e/other', 'empty', 'container', [], 0), undefined);
      const onlyB = [layer('/b')];
      assert.equal(await duplicatesOf(metadata, '/a/x', 'same', 'name', onlyB), undefined);
      assert.equal(await duplicatesOf(metadata, '/a/x', 'same', 'container', onlyB), '/b/y');
      assert.equal(await duplicatesOf(metadata, '/a/x', 'same', 'container', [layer('/a/*'), layer('/b')]), undefined);
      const contents = [picture('/b/y', { sha256: 'same' }), picture('/z/z'), picture('/a/x', { sha256: 'same' })];
      const several = await metadata.findDuplicates(CONTAINER, contents, 'name', []);
      assert.deepEqual(
        several.map((file) => file?.name),
        ['y', undefined, 'x'],
      );
      assert.deepEqual(await metadata.findDuplicates('other', contents, 'container', []), [
        undefined,
        undefined,
        undefined,
      ]);
    },
  },
  {
    name: 'uploads of one name at once become consecutive versions, none lost and none twice',
    async run(open) {
      const nodes = [await ready(open), await ready(open)];
      const uploads = Array.from({ length: 24 }, (_, index) =>
        nodes[index % 2]?.commitFiles(CONTAINER, [picture('/n/ew/x.png')], by(NOW)),
      );
      const files = (await Promise.all(uploads)).flatMap((committed) => committed ?? []);
      assert.equal(new Set(files.map(({ id }) => id)).size, 1);
      const versions = files.map(({ version }) => version).sort((a, b) => a - b);
      assert.deepEqual(versions, [...versions.keys()]);
      const [metadata] = nodes;
      assert.ok(metadata !== undefined);
      for (const file of files) {
        assert.equal((await metadata.findFile(CONTAINER, file.id, file.version))?.blobId, file.blobId);
      }
      await assertConsistent(metadata);
    },
  },
  {
    name: 'uploads into many folders at once, in any order, all arrive',
    async run(open) {
      const nodes = [await ready(open), await ready(open)];
      const names = ['a', 'b', 'c', 'd'];
      const uploads = Array.from({ length: 24 }, (_, index) => {
        const order = index % 3 === 0 ? [...names].reverse() : names;
        return nodes[index % 2]?.commitFiles(
          CONTAINER,
          order.map((name) => picture(`/m/${name}/${index}.png`)),
          by(NOW),
        );
      });
      await Promise.all(uploads);
      const [metadata] = nodes;
      assert.ok(metadata !== undefined);
      assert.equal((await folder(metadata, '/m')).filesRecursive, 96);
      await assertConsistent(metadata);
    },
  },
  {
    name: 'visibility is the nearest choice above, public at the root, and follows moves and changes',
    async run(open) {
      const metadata = await ready(open);
      const [file] = await commit(metadata, '/a/b/c/x.png', '/p/y.png');
      assert.ok(file !== undefined);
      const choose = async (place: string, visibility: 'inherited' | 'public' | 'not_public') => {
        const folders = [atFolder(await folder(metadata, place))];
        return metadata.setVisibility(CONTAINER, { files: [], folders }, visibility, by(NOW));
      };
      const isPublic = async () => (await metadata.findFile(CONTAINER, file.id))?.isPublic;
      const { folders } = await choose('/a', 'not_public');
      assert.deepEqual([folders[0]?.visibility, folders[0]?.isPublic], ['not_public', false]);
      assert.equal(await isPublic(), false);
      assert.equal((await metadata.createFolder(CONTAINER, path('/a/new'), NOW)).isPublic, false);
      await choose('/a/b', 'public');
      assert.equal(await isPublic(), true);
      await choose('/a', 'inherited');
      await choose('/a', 'not_public');
      assert.equal(await isPublic(), true, 'a choice below was overrun');
      await choose('/a/b', 'inherited');
      assert.equal(await isPublic(), false);
      const moved = await metadata.moveFolder(
        CONTAINER,
        atFolder(await folder(metadata, '/a/b')),
        path('/p/b'),
        { within: EVERYWHERE, createParents: false },
        NOW,
      );
      assert.equal(moved.isPublic, true);
      assert.equal((await folder(metadata, '/p/b/c')).isPublic, true);
      assert.equal(await isPublic(), true);
      await choose('/', 'not_public');
      assert.equal(await isPublic(), false);
      const own = await metadata.setVisibility(
        CONTAINER,
        { files: [{ id: file.id, folderPath: path('/p/b/c') }], folders: [] },
        'public',
        by(NOW + 4),
      );
      assert.deepEqual([own.files[0]?.isPublic, own.files[0]?.modifiedAtMs], [true, NOW + 4]);
    },
  },
  {
    name: 'orphans are the blobs that no version of any file points to',
    async run(open) {
      const metadata = await ready(open);
      await commit(metadata, picture('/x', { blobId: 'old' }), picture('/x', { blobId: 'new' }));
      assert.deepEqual(await metadata.findOrphans(['old', 'lost', 'new', 'gone']), ['lost', 'gone']);
      assert.deepEqual(await metadata.findOrphans([]), []);
    },
  },
  {
    name: 'a store that cannot be asked raises STORE_UNAVAILABLE',
    async run(open) {
      const { metadata, templates, close } = await open();
      await templates.ensureContainer(CONTAINER, NOW);
      await metadata.check();
      await close();
      const unavailable = hasCode('STORE_UNAVAILABLE');
      await assert.rejects(metadata.check(), unavailable);
      await assert.rejects(metadata.findFolder(CONTAINER, ROOT), unavailable);
      await assert.rejects(metadata.listFiles(fileQuery(), BY_NAME), unavailable);
      await assert.rejects(metadata.commitFiles(CONTAINER, [picture('/x')], by(NOW)), unavailable);
    },
  },
];

function compare(left: string | number, right: string | number): number {
  if (typeof left === 'string' && typeof right === 'string')
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return Number(left) - Number(right);
}

/** The guarantees of the `Metadata` port. */
export const metadataContract: readonly ContractCase<MetadataStore>[] = [
  ...records,
  ...listings,
  ...moves,
  ...deletions,
];
