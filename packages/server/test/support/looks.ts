// The facts of pictures that were never drawn, as far as their look goes.
import { encode } from 'blurhash';
import type { JsonObject } from '../../src/ports/metadata.ts';

type Rgb = readonly [number, number, number];

/** The facts of a picture whose upper half has the one colour and whose lower half the other. */
export function halves(upper: Rgb, lower: Rgb, more: JsonObject = {}): JsonObject {
  const [width, height] = [16, 12];
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < width * height; at += 1) pixels.set([...(at < pixels.length / 8 ? upper : lower), 255], at * 4);
  const hex = (colour: Rgb) => `#${Buffer.from(colour).toString('hex')}`;
  return {
    img_w: 640,
    img_h: 480,
    main_colors_hex: [hex(upper), hex(lower)],
    blurhash: encode(pixels, width, height, 4, 3),
    ...more,
  };
}
