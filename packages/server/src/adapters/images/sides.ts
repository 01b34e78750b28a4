// What the sides of a picture say, in the words of the wire contract's `info`.
import type { JsonObject } from '../../ports/metadata.ts';

/** A wide picture is a panorama from this proportion of its sides on. */
const PANORAMA = 2;

/** Sides, area and orientation of an upright picture. */
export function sidesOf(width: number, height: number): JsonObject {
  const orientation = width === height ? 'SQ' : width < height ? 'PO' : width >= height * PANORAMA ? 'PA' : 'LD';
  return { img_w: width, img_h: height, img_o: orientation, area: width * height };
}
