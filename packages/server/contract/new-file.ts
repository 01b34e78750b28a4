// A file to be recorded, of which only what matters is said.
import type { NewFile } from '../src/ports/metadata.ts';
import { path } from './places.ts';

/** A small picture at this place, with a blob that is named after it. */
export function newFile(place: string, different: Partial<NewFile> = {}): NewFile {
  const slash = place.lastIndexOf('/');
  return {
    folderPath: path(place.slice(0, slash) || '/'),
    name: place.slice(slash + 1),
    mime: 'image/png',
    sizeBytes: 10,
    sha1: 'sha1',
    sha256: 'sha256',
    blobId: `blob-${place}`,
    meta: {},
    tags: {},
    info: {},
    productRef: undefined,
    productPosition: undefined,
    uploadedBy: 'somebody',
    ...different,
  };
}
