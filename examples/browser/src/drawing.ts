// A drawing of 28 x 28 pixels in 16 levels of grey, which as text is short enough for a link.

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;

/** A place on the sheet, in pixels from its upper left corner; the centre of the first pixel is (0.5, 0.5). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const LEVELS = 15;
// Two pixels a byte, and four characters for three bytes, without padding.
const CHARACTERS = Math.ceil((PIXELS / 2) * (4 / 3));
// A stroke is full up to REACH - 1 from its middle, and fades out up to REACH, as those of MNIST do.
const REACH = 1.6;

export class Drawing {
  readonly #levels: Uint8Array;

  /** @param pixels in [0, 1]; blank by default */
  constructor(pixels: Float32Array = new Float32Array(PIXELS)) {
    this.#levels = Uint8Array.from(pixels, (value) => Math.round(value * LEVELS));
  }

  /** The drawing that a text stands for; throws RangeError if it is none. */
  static parse(text: string): Drawing {
    if (text.length !== CHARACTERS || !/^[\w-]*$/.test(text)) {
      throw new RangeError(`"x" expected digit or drawing of ${CHARACTERS} characters, got string ${JSON.stringify(text.slice(0, 40))}`);
    }
    const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const drawing = new Drawing();
    for (let i = 0; i < PIXELS; i++) drawing.#levels[i] = (bytes.charCodeAt(i >> 1) >> (i % 2 === 0 ? 4 : 0)) & LEVELS;
    return drawing;
  }

  /** Inks, or erases, the line between two points. */
  stroke(from: Point, to: Point, erase: boolean): void {
    this.#levels.forEach((level, i) => {
      const centre = { x: (i % SIDE) + 0.5, y: Math.floor(i / SIDE) + 0.5 };
      const coverage = Math.round(LEVELS * clamp(REACH - distance(centre, from, to)));
      this.#levels[i] = erase ? Math.min(level, LEVELS - coverage) : Math.max(level, coverage);
    });
  }

  /** Grey levels in [0, 1]. */
  get pixels(): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.#levels, (level) => level / LEVELS);
  }

  toString(): string {
    const bytes = Array.from({ length: PIXELS / 2 }, (_, i) => ((this.#levels[2 * i] ?? 0) << 4) | (this.#levels[2 * i + 1] ?? 0));
    return btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  }
}

/** From a point to the line between two others. */
function distance(point: Point, from: Point, to: Point): number {
  const [x, y] = [to.x - from.x, to.y - from.y];
  const along = x * (point.x - from.x) + y * (point.y - from.y);
  const t = clamp(along / (x * x + y * y || 1));
  return Math.hypot(point.x - from.x - t * x, point.y - from.y - t * y);
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}
