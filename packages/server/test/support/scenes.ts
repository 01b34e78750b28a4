// Pictures of scenes that people tell apart at a glance, drawn with grain as a camera would have it, and the same scene as other programs save it.
import sharp from 'sharp';

const WIDTH = 640;
const HEIGHT = 420;

const gradient = (id: string, ...colours: readonly string[]) =>
  `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${colours
    .map((colour, i) => `<stop offset="${i / (colours.length - 1)}" stop-color="${colour}"/>`)
    .join('')}</linearGradient>`;

const SCENES = {
  sunset: `<defs>${gradient('a', '#2b2350', '#c2452d', '#ffb347')}</defs><rect width="640" height="260" fill="url(#a)"/>
    <circle cx="420" cy="230" r="46" fill="#ffe08a"/><rect y="260" width="640" height="160" fill="#3a2433"/>
    <rect x="380" y="270" width="80" height="6" fill="#ffc46b"/><rect x="395" y="300" width="50" height="5" fill="#f0a050"/>`,
  'sunset a minute later': `<defs>${gradient('a', '#292250', '#bb4230', '#fcae48')}</defs><rect width="640" height="268" fill="url(#a)"/>
    <circle cx="410" cy="248" r="46" fill="#ffd980"/><rect y="268" width="640" height="152" fill="#362231"/>
    <rect x="372" y="278" width="80" height="6" fill="#fbbe68"/>`,
  beach: `<defs>${gradient('a', '#3f9be8', '#bfe3ff')}</defs><rect width="640" height="180" fill="url(#a)"/>
    <rect y="180" width="640" height="90" fill="#1f8fa8"/><rect y="270" width="640" height="150" fill="#ecd9a8"/>
    <path d="M90 300 L160 220 L230 300z" fill="#e8503a"/>`,
  forest: `<rect width="640" height="420" fill="#dfe9d8"/>${Array.from({ length: 14 }, (_, i) => `<path d="M${i * 48} 420 L${i * 48 + 30} ${60 + (i % 4) * 30} L${i * 48 + 60} 420z" fill="${i % 2 === 0 ? '#1d4a24' : '#2f6b35'}"/>`).join('')}`,
  night: `<rect width="640" height="420" fill="#070a18"/>${Array.from({ length: 9 }, (_, i) => `<rect x="${i * 72}" y="${180 + (i % 3) * 50}" width="60" height="240" fill="#141a30"/><rect x="${i * 72 + 12}" y="${220 + (i % 3) * 50}" width="10" height="12" fill="#ffd76a"/>`).join('')}`,
  portrait: `<rect width="640" height="420" fill="#8a8f96"/><ellipse cx="320" cy="190" rx="95" ry="125" fill="#e0b090"/>
    <path d="M225 150 q95 -160 190 0z" fill="#3b2416"/><rect x="200" y="310" width="240" height="110" fill="#27446e"/>`,
  snow: `<rect width="640" height="420" fill="#f2f6fb"/><path d="M0 420 L200 120 L330 300 L460 90 L640 420z" fill="#c9d6e6"/>
    <path d="M200 120 L240 180 L170 175z" fill="#ffffff"/>`,
  meadow: `<defs>${gradient('a', '#63b0f0', '#d6efff')}</defs><rect width="640" height="200" fill="url(#a)"/><rect y="200" width="640" height="220" fill="#5fae3a"/>
    <circle cx="520" cy="70" r="40" fill="#fff3b0"/>`,
} as const;

/** The name of a scene. */
export type Scene = keyof typeof SCENES;

/** Every scene that looks like no other. */
export const DIFFERENT_SCENES = (Object.keys(SCENES) as Scene[]).filter((scene) => scene !== 'sunset a minute later');

/** How a scene was saved. */
export interface Saved {
  readonly format?: 'jpeg' | 'png' | 'webp';
  readonly quality?: number;
  readonly width?: number;
  /** Parts of the light, 1 by default. */
  readonly brightness?: number;
}

/** The scene as a file of a picture. */
export async function scene(name: Scene, { format = 'jpeg', quality = 88, width = WIDTH, brightness = 1 }: Saved = {}) {
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">${SCENES[name]}</svg>`;
  const drawn = await sharp(Buffer.from(drawing)).removeAlpha().raw().toBuffer();
  // The same grain each time: what a test sees must not change between runs.
  let seed = 1;
  for (const [at, value] of drawn.entries()) {
    seed = (seed * 48_271) % 0x7fffffff;
    drawn[at] = Math.min(255, Math.max(0, value + (seed % 17) - 8));
  }
  return sharp(drawn, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .modulate({ brightness })
    .resize({ width })
    .toFormat(format, format === 'png' ? {} : { quality })
    .toBuffer();
}
