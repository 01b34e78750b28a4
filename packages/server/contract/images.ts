// What everything that draws pictures must keep, as runnable cases.
import assert from 'node:assert/strict';
import { AppError } from '../src/errors.ts';
import type { Images, Rendition, Subject } from '../src/ports/images.ts';
import type { ContractCase } from './case.ts';
import { clearPng, gif, hostilePictures, pdf, png, svg } from './pictures.ts';

/** The port with a store that it reads from. */
export interface ImagesStore {
  readonly images: Images;
  /** Keeps bytes for drawing. */
  put(bytes: Uint8Array, mime: string): Promise<Subject>;
  /** The longest that one drawing takes here, with some air. */
  readonly limitMs: number;
}

const PLAIN: Rendition = {
  width: undefined,
  height: undefined,
  fitting: 'bound',
  background: undefined,
  format: 'png',
  quality: 80,
  page: 1,
};
/** Who waits. */
const ASKER = '192.0.2.1';
const RED = [220, 30, 30] as const;
const BLUE = [30, 70, 220] as const;

export const imagesContract: readonly ContractCase<ImagesStore>[] = [
  ...(
    [
      ['bound', 100, undefined, 100, 50],
      ['bound', undefined, 50, 100, 50],
      ['bound', 50, 50, 50, 25],
      ['bound', 9000, 9000, 200, 100],
      ['crop', 50, 50, 50, 50],
      ['crop', 400, 400, 100, 100],
      ['crop', 60, undefined, 60, 30],
      ['pad', 80, 80, 80, 80],
      ['bound', 1, undefined, 1, 1],
    ] as const
  ).map(([fitting, width, height, wide, high]) => ({
    name: `draws 200 x 100 for ${fitting} ${width ?? '-'} x ${height ?? '-'} as ${wide} x ${high}: no pixel is enlarged`,
    async run(open: () => Promise<ImagesStore>) {
      const { images, put } = await open();
      const subject = await put(png(200, 100, RED), 'image/png');
      const drawn = await images.render(subject, { ...PLAIN, fitting, width, height }, ASKER);
      assert.deepEqual([drawn.width, drawn.height, drawn.mime], [wide, high, 'image/png']);
    },
  })),
  {
    name: 'draws in each format, and keeps that of the source for `same`',
    async run(open) {
      const { images, put } = await open();
      const subject = await put(png(20, 10, BLUE), 'image/png');
      for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
        const drawn = await images.render(subject, { ...PLAIN, format }, ASKER);
        assert.equal(drawn.mime, `image/${format}`);
        const again = await images.examine(await put(drawn.bytes, drawn.mime));
        assert.deepEqual([again['img_w'], again['img_h'], again['dominant_color']], [20, 10, 'blue'], format);
        const same = await images.render(await put(drawn.bytes, drawn.mime), { ...PLAIN, format: 'same' }, ASKER);
        assert.equal(same.mime, `image/${format}`);
      }
    },
  },
  {
    name: 'puts the ground behind what is transparent and beside what is padded',
    async run(open) {
      const { images, put } = await open();
      const clear = await put(clearPng(20, 10), 'image/png');
      const filled = await images.render(clear, { ...PLAIN, background: '#dc1e1e' }, ASKER);
      assert.equal((await images.examine(await put(filled.bytes, filled.mime)))['dominant_color'], 'red');
      const jpeg = await images.render(clear, { ...PLAIN, format: 'jpeg' }, ASKER);
      assert.equal((await images.examine(await put(jpeg.bytes, jpeg.mime)))['dominant_color'], 'white');
      const thin = await put(png(100, 2, RED), 'image/png');
      const padded = await images.render(
        thin,
        {
          ...PLAIN,
          width: 100,
          height: 100,
          fitting: 'pad',
          background: '#1e46dc',
        },
        ASKER,
      );
      assert.equal((await images.examine(await put(padded.bytes, padded.mime)))['dominant_color'], 'blue');
    },
  },
  {
    name: 'draws the page asked for, and the last one when there are fewer',
    async run(open) {
      const { images, put } = await open();
      const subject = await put(pdf([RED, BLUE]), 'application/pdf');
      for (const [page, colour] of [
        [1, 'red'],
        [2, 'blue'],
        [99, 'blue'],
      ] as const) {
        const drawn = await images.render(subject, { ...PLAIN, width: 300, page }, ASKER);
        assert.deepEqual([drawn.width, drawn.height], [300, 150]);
        assert.equal((await images.examine(await put(drawn.bytes, drawn.mime)))['dominant_color'], colour);
      }
      assert.deepEqual(await images.examine(subject), { page_count: 2 });
    },
  },
  {
    name: 'draws drawings as large as asked, without their scripts and without anything from elsewhere',
    async run(open) {
      const { images, put } = await open();
      const inside = [
        '<script>document.documentElement.setAttribute("fill", "blue")</script>',
        '<rect width="40" height="20" fill="#dc1e1e"/>',
        '<image width="40" height="20" xlink:href="file:///etc/passwd"/>',
        '<image width="40" height="20" href="http://127.0.0.1:9/x.png"/>',
        '<foreignObject width="40" height="20"><body xmlns="http://www.w3.org/1999/xhtml">x</body></foreignObject>',
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
      ].join('');
      const drawn = await images.render(await put(svg(inside), 'image/svg+xml'), { ...PLAIN, width: 400 }, ASKER);
      assert.deepEqual([drawn.width, drawn.height, drawn.mime], [400, 200, 'image/png']);
      const seen = await images.examine(await put(drawn.bytes, drawn.mime));
      assert.deepEqual(seen['main_colors'], ['red']);
    },
  },
  {
    name: 'keeps a small moving picture moving in a format that can, and takes its first frame in others',
    async run(open) {
      const { images, put } = await open();
      const subject = await put(gif(30, 20, 3), 'image/gif');
      const moving = await images.render(subject, { ...PLAIN, width: 15, format: 'same' }, ASKER);
      assert.deepEqual([moving.mime, moving.width, moving.height], ['image/gif', 15, 10]);
      const whole = await images.render(subject, { ...PLAIN, format: 'same' }, ASKER);
      assert.ok(Buffer.from(whole.bytes).toString('latin1').split('\x21\xf9\x04').length > 2, 'several frames');
      const still = await images.render(subject, { ...PLAIN, width: 15, format: 'jpeg' }, ASKER);
      assert.deepEqual([still.mime, still.width, still.height], ['image/jpeg', 15, 10]);
    },
  },
  {
    name: 'tells sides, orientation, colours and a blurred preview of a picture',
    async run(open) {
      const { images, put } = await open();
      for (const [width, height, orientation] of [
        [30, 20, 'LD'],
        [20, 30, 'PO'],
        [20, 20, 'SQ'],
        [60, 20, 'PA'],
      ] as const) {
        const { blurhash, ...facts } = await images.examine(await put(png(width, height, RED), 'image/png'));
        assert.match(String(blurhash), /^[\x21-\x7e]{6,60}$/);
        assert.deepEqual(facts, {
          img_w: width,
          img_h: height,
          img_o: orientation,
          area: width * height,
          img_type: 'PNG',
          img_color_space: 'sRGB',
          main_colors: ['red'],
          main_colors_hex: ['#dc1e1e'],
          dominant_color: 'red',
          dominant_color_hex: '#dc1e1e',
        });
      }
    },
  },
  {
    name: 'refuses what it does not draw, and what is not what its type says',
    async run(open) {
      const { images, put } = await open();
      assert.equal(images.draws('text/plain'), false);
      assert.equal(images.draws('image/png'), true);
      assert.equal(images.examines('application/zip'), false);
      for (const [bytes, mime] of [
        [Buffer.from('hello'), 'text/plain'],
        [Buffer.from('hello'), 'image/png'],
        [png(3, 3, RED), 'image/jpeg'],
        [svg('<rect width="9" height="9"/>'), 'image/png'],
      ] as const) {
        await assert.rejects(images.render(await put(bytes, mime), PLAIN, ASKER), refused, mime);
        await assert.rejects(images.examine(await put(bytes, mime)), refused, mime);
      }
    },
  },
  ...hostilePictures().map(({ why, mime, bytes }) => ({
    name: `${why}: costs bounded time, and the next picture is drawn`,
    async run(open: () => Promise<ImagesStore>) {
      const { images, put, limitMs } = await open();
      const subject = await put(bytes, mime);
      for (const work of [
        () => images.render(subject, { ...PLAIN, width: 250 }, ASKER),
        () => images.examine(subject),
      ]) {
        const startMs = performance.now();
        try {
          const outcome = await work();
          if ('bytes' in outcome && outcome.bytes instanceof Uint8Array) {
            assert.equal(Buffer.from(outcome.bytes).includes('<script'), false);
            assert.ok(outcome.bytes.length < 8 * 1024 * 1024);
          }
        } catch (error) {
          assert.ok(refused(error) || failed(error), String(error));
        }
        assert.ok(performance.now() - startMs < limitMs);
      }
      const next = await images.render(await put(png(4, 4, BLUE), 'image/png'), PLAIN, ASKER);
      assert.equal(next.width, 4);
    },
  })),
];

/** It can be read, and be drawn in no such way. */
function failed(error: unknown): boolean {
  return error instanceof AppError && error.code === 'RENDITION_FAILED';
}

function refused(error: unknown): boolean {
  return error instanceof AppError && error.code === 'IMAGE_UNREADABLE';
}
