// The API over one wasm instance: checks arguments, decides what to draw, and hands addresses to the kernels.
// Invariant: everything is checked and allocated before the first byte is written and before a stream number is used up.

import { type BufferOf, WasmBuffer } from "../engine/buffer.js";
import { Call } from "../engine/call.js";
import { bindKernels, CORE, type Kernels, STREAM_KINDS, type StreamKind } from "../engine/kernels.js";
import { MAX_BYTES, Memory } from "../engine/memory.js";
import { type AnyData, type AnyDataOf, makeArray, makeLike } from "../engine/operand.js";
import {
  checkAttached,
  checkChoice,
  checkFlag,
  checkInteger,
  checkObject,
  checkProbability,
  tagOf,
  wrongKind,
  wrongValue,
} from "../ground/check.js";
import {
  type Arrays,
  BUFFER_DTYPES,
  type BufferDtype,
  type DataDtype,
  dtypeOfArray,
  FLOAT16,
  type Float16,
  HALF_DTYPES,
  type HalfDtype,
  MASK_FORMATS,
  type MaskFormat,
  type NewFloat16,
  STORED_FORMATS,
  type StoredFormat,
  viewOf,
} from "../ground/dtypes.js";
import { type DropoutState, Sequence } from "../stream/sequence.js";
import { MAX_INDEX, RESCALES, type Rescale, type Ticket } from "../stream/ticket.js";
import { instantiate } from "./instantiate.js";

/** The dtype of data X. */
export type DtypeOf<X extends AnyData> =
  X extends WasmBuffer<infer D extends DataDtype>
    ? D
    : X extends Float16
      ? "f16"
      : { [D in DataDtype]: X extends Arrays[D] ? D : never }[DataDtype];

/** An array like X for a result: a buffer for a buffer, an ordinary typed array for a typed array. */
export type Like<X extends AnyData> =
  X extends WasmBuffer<infer D extends DataDtype> ? WasmBuffer<D> : X extends Float16 ? NewFloat16 : Arrays<ArrayBuffer>[DtypeOf<X>];

/** What a call with an `out` of type Y returns, Made being what it makes without one. Y follows from `out`, never from what the result is used for. */
export type Result<Made, Y> = undefined extends Y ? Made | NoInfer<Exclude<Y, undefined>> : NoInfer<Y>;

/** An array for a mask of format F. */
export type MaskArray<F extends MaskFormat> = { [G in MaskFormat]: Arrays[G] | WasmBuffer<G> }[F];

/** The array that a mask of format F is made in. */
export type NewMask<F extends MaskFormat> = Arrays<ArrayBuffer>[F];

/** Which stream of random decisions a call draws from. */
export interface StreamOptions {
  /** Keep stream; the instance's by default. */
  kind?: StreamKind | undefined;
  /** Seed, an integer in [0, 2^64); the instance's by default. */
  seed?: number | bigint | undefined;
  /**
   * Stream number, an integer in [0, 2^64): same seed and stream, same mask. If left out, the instance's counter gives the next number:
   * same seed, same sequence of masks.
   */
  stream?: number | bigint | undefined;
  /** Index in the stream of the first element, an integer in [0, 2^53 - length]; 0 by default. The mask of a slice is the slice of the mask. */
  start?: number | undefined;
}

/** What the data of a call are. */
export interface HalfOptions {
  /** What its Uint16Arrays hold, "f16" or "bf16"; both, as Float16Arrays, need {@link createHalf} of "wasm-dropout/half". */
  dtype?: HalfDtype | undefined;
}

/** Options of {@link Dropout.dropout} and {@link Dropout.forward}, with an output of type Y: undefined for one that the call makes. */
export interface DropoutOptions<Y extends AnyData | undefined = undefined> extends StreamOptions, HalfOptions {
  /** Where to write y: x itself or memory apart from it. By default a new array, or buffer, like x. */
  out?: Y;
  /** false gives x unchanged, or rescaled if `rescale` says so, and uses up no stream number; true by default. */
  training?: boolean | undefined;
  /** When to make up for what is dropped: in training (default), at test time, or not at all. */
  rescale?: Rescale | undefined;
  /**
   * Where to write the bit mask of the same pass: a bit an element, least significant first, 1 = keep. Outside training all are kept, as at p = 0,
   * which is then the p to give {@link Dropout.backward} with it.
   */
  mask?: Uint8Array | WasmBuffer<"bits"> | undefined;
}

/** Where a backward call writes, with an output of type Y: undefined for one that the call makes. */
export interface GradientOptions<Y extends AnyData | undefined = undefined> {
  /** Where to write dx: dy itself or memory apart from it. By default a new array, or buffer, like dy. */
  out?: Y;
}

/** Options of {@link Dropout.backward}, with an output of type Y: undefined for one that the call makes. */
export interface BackwardOptions<Y extends AnyData | undefined = undefined> extends GradientOptions<Y>, HalfOptions {}

/** Options of {@link Dropout.replay}: a mask of format F in an array of type M: undefined for one that the call makes. */
export interface ReplayOptions<F extends MaskFormat = MaskFormat, M extends MaskArray<F> | undefined = undefined> {
  /**
   * "bits" (default): a bit an element, least significant first, unused bits 0; "bytes": a byte an element; in both 1 = keep. "f32": what to multiply
   * by, 1 / (1 - P(drop)) or 0.
   */
  format?: F | undefined;
  /** Where to write the mask. By default a new Uint8Array or Float32Array. */
  out?: M;
}

/** Options of {@link Dropout.mask}: a mask of format F in an array of type M: undefined for one that the call makes. */
export interface MaskOptions<F extends MaskFormat = MaskFormat, M extends MaskArray<F> | undefined = undefined>
  extends ReplayOptions<F, M>,
    StreamOptions {}

/** A mask that was stored, for {@link Dropout.backward}. */
export interface StoredMask {
  /** The mask, 0 = drop. */
  mask: Uint8Array | WasmBuffer<StoredFormat>;
  /**
   * "bits": a bit an element, least significant first; "bytes": a byte an element, anything but 0 = keep. By default the dtype of a buffer, and "bits"
   * for a Uint8Array.
   */
  format?: StoredFormat | undefined;
  /** The drop probability that the mask was drawn with, in [0, 1]; gives the scale. 0 if it was drawn outside training. */
  p: number;
  /** As in the forward call, in training: "train" (default) multiplies by 1 / (1 - P(drop)), the others do not. */
  rescale?: Rescale | undefined;
  /** The keep stream that it was drawn from; gives the realised probability. The instance's by default. */
  kind?: StreamKind | undefined;
}

/** Options of an instance. */
export interface InstanceOptions {
  /** Seed, an integer in [0, 2^64); drawn from the runtime's cryptographic random numbers if left out. */
  seed?: number | bigint | undefined;
  /** Keep stream: "tile" (default, fastest) or "philox" (element by element recomputable elsewhere). */
  kind?: StreamKind | undefined;
  /** Most bytes of wasm memory to use, an integer in [2^18, 2^32]; 4 GiB by default. */
  maxBytes?: number | undefined;
  /** A saved {@link Dropout.state} to go on from, instead of `seed` and `kind`. */
  state?: DropoutState | undefined;
}

/** What an extension works with: the parts of the instance that it extends. */
export interface Context {
  readonly memory: Memory;
  readonly call: Call;
  readonly kernels: Kernels;
}

const NO_OPTIONS = {};
// What from() copies, and into what.
const COPIED = ["f32", "f64", "bytes"] as const;
type Copied = (typeof COPIED)[number];
// Four pages: the three that an instance starts with, for its staging slots, and one for buffers.
const LEAST_BYTES = 2 ** 18;

/**
 * Dropout over one wasm instance and its memory. Made by {@link createDropout}, or synchronously from a compiled module.
 *
 * Every method takes ordinary Float32Array or Float64Array data of any length, streamed through a fixed staging area, or
 * {@link WasmBuffer}s and typed arrays over them, used where they lie. An instance is for one thread; several are independent.
 *
 * @example
 * const dropout = await createDropout({ seed: 42 });
 * const { y, ticket } = dropout.forward(Float32Array.of(1, 2, 3, 4), 0.5);
 * const dx = dropout.backward(Float32Array.of(1, 1, 1, 1), ticket); // 2 where y was kept, 0 where it was dropped
 */
export class Dropout {
  readonly #kernels: Kernels;
  readonly #memory: Memory;
  readonly #sequence: Sequence;
  readonly #call: Call;

  /**
   * Instantiates `module`, a compiled `simd.wasm` or `scalar.wasm` of this package.
   *
   * @throws TypeError if module is none of this package's, or an option is of the wrong kind; RangeError if an option is out of range
   * @example
   * const dropout = new Dropout(await compileDropout(), { seed: 42 });
   */
  constructor(module: WebAssembly.Module, options: InstanceOptions = NO_OPTIONS) {
    checkObject(options, "options", "object");
    const { seed, kind = "tile", maxBytes = MAX_BYTES, state } = options;
    checkInteger(maxBytes, "maxBytes", LEAST_BYTES, MAX_BYTES);
    checkChoice(kind, "kind", STREAM_KINDS);
    if (state === undefined) {
      this.#sequence = new Sequence(kind);
      this.#sequence.seed.set(seed === undefined ? randomSeed() : seed, "seed");
    } else {
      if (options.seed !== undefined || options.kind !== undefined) throw wrongKind("state", "no seed or kind beside it", state);
      this.#sequence = Sequence.from(state);
    }
    this.#memory = new Memory(maxBytes);
    this.#call = new Call(this.#memory, this.#sequence);
    this.#kernels = bindKernels<Kernels>(instantiate(module, this.#memory.wasm), CORE);
  }

  /** @internal What extensions work with. */
  get context(): Context {
    return { memory: this.#memory, call: this.#call, kernels: this.#kernels };
  }

  /** The keep stream of calls that name none. */
  get kind(): StreamKind {
    return this.#sequence.kind;
  }

  /** The seed of calls that name none. */
  get seed(): bigint {
    return this.#sequence.seed.toBigInt();
  }

  /** The wasm memory, to share with other code. Growth detaches typed arrays over it; {@link WasmBuffer.array} derives them anew. */
  get memory(): WebAssembly.Memory {
    return this.#memory.wasm;
  }

  /**
   * The place in the sequence of masks: store it as JSON, then `restore` it or create an instance with it, and the masks that follow are the same.
   *
   * @example
   * const saved = JSON.stringify(dropout.state);
   * dropout.restore(JSON.parse(saved));
   */
  get state(): DropoutState {
    return this.#sequence.state;
  }

  /**
   * Goes back, or on, to a saved state.
   *
   * @throws TypeError or RangeError, and stays where it is, if that is no state of this version and of the instance's kind
   * @example
   * const before = dropout.state;
   * const mask = dropout.mask(100, 0.5);
   * dropout.restore(before);
   * const again = dropout.mask(100, 0.5); // the same as mask
   */
  restore(state: DropoutState): void {
    this.#sequence.restore(state);
  }

  /**
   * Takes the next number of the sequence for calls that are to share a mask.
   *
   * @example
   * const stream = dropout.reserveStream();
   * const a = dropout.dropout(new Float32Array(8).fill(1), 0.5, { stream });
   * const b = dropout.dropout(new Float64Array(8).fill(2), 0.5, { stream }); // the same elements dropped
   */
  reserveStream(): bigint {
    const stream = this.#sequence.next.toBigInt();
    this.#sequence.next.increment();
    return stream;
  }

  /**
   * A zero-filled buffer of `length` elements in wasm memory.
   *
   * @param dtype "f32", "f64", "f16", "bf16", "bits" (bit mask) or "bytes" (byte mask)
   * @param length number of elements, a non-negative integer; of them all, what fits in 4 GiB, or `maxBytes`
   * @throws TypeError for a wrong kind of argument; RangeError if the memory cannot grow that far: then nothing has changed
   * @example
   * using x = dropout.alloc("f32", 1 << 20);
   */
  alloc<D extends BufferDtype>(dtype: D, length: number): BufferOf<D>;
  alloc(dtype: BufferDtype, length: number): WasmBuffer {
    checkChoice(dtype, "dtype", BUFFER_DTYPES);
    checkInteger(length, "length", 0, MAX_INDEX);
    return new WasmBuffer(this.#memory, dtype, this.#memory.allocateZeros(dtype, length, "length"), length);
  }

  /**
   * A buffer in wasm memory with a copy of `array`: "f32" of a Float32Array, "f64" of a Float64Array, "f16" of a Float16Array, "bytes" of a
   * Uint8Array, and of a Uint16Array the `dtype` that its bits are to be taken for.
   *
   * @throws TypeError if it is none of these; RangeError if the memory cannot grow that far
   * @example
   * using x = dropout.from(Float32Array.of(1, 2, 3, 4));
   * using w = dropout.from(Uint16Array.of(0x3f80, 0x4000), "bf16"); // 1 and 2
   */
  from<X extends Arrays[Copied]>(array: X): BufferOf<{ [D in Copied]: X extends Arrays[D] ? D : never }[Copied]>;
  from<D extends HalfDtype>(array: Uint16Array, dtype: D): BufferOf<D>;
  from(array: Float16): WasmBuffer<"f16">;
  from(array: Arrays[Copied] | Uint16Array, half?: HalfDtype): WasmBuffer {
    if (half !== undefined) checkChoice(half, "dtype", HALF_DTYPES);
    const tag = ArrayBuffer.isView(array) ? tagOf(array) : undefined;
    const dtype = half === undefined && tag === FLOAT16 ? "f16" : dtypeOfArray(tag, half === undefined ? COPIED : [half]);
    if (dtype === undefined) {
      throw wrongKind(
        "array",
        half === undefined ? "Float32Array, Float64Array, Float16Array, Uint8Array, or Uint16Array with a dtype" : "Uint16Array",
        array,
      );
    }
    checkAttached(array, "array");
    const { length } = array;
    const address = this.#memory.addressOf(array, "array");
    const buffer = new WasmBuffer(this.#memory, dtype, this.#memory.allocate(dtype, length, "array"), length);
    // Bits, not numbers, of 16-bit data; and the allocation may have detached a view of this very memory.
    buffer.array.set(address < 0 ? viewOf(dtype, array.buffer, array.byteOffset, length) : this.#memory.view(dtype, address, length));
    return buffer;
  }

  /**
   * Inverted dropout: y[i] = keep(start + i) ? x[i] / (1 - P(drop)) : +0, of the same shape and dtype as x (Srivastava et al. 2014, section 10).
   * A dropped NaN or infinity gives +0. p = 0 and `training: false` copy the bits of x; p = 1 gives +0 everywhere.
   *
   * @param x data of f32 or f64, or, with {@link createHalf} of "wasm-dropout/half", f16 or bf16, which are computed with in f32
   * @param p drop probability in [0, 1]
   * @param options see {@link DropoutOptions}
   * @returns `out`, or the new array
   * @throws TypeError for a wrong kind of argument, a freed buffer or a detached array; RangeError for a value out of range, unequal lengths, overlap
   * or memory that cannot grow; in all cases nothing was written and no stream number used
   * @example
   * const y = dropout.dropout(Float32Array.of(1, 2, 3, 4), 0.5, { stream: 7 });
   */
  dropout<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: DropoutOptions<Y> = NO_OPTIONS,
  ): Result<Like<X>, Y> {
    try {
      return this.#forward(x, p, options) as Result<Like<X>, Y>;
    } finally {
      this.#call.end();
    }
  }

  /**
   * The same as {@link Dropout.dropout}, and a ticket for {@link Dropout.backward}.
   *
   * @returns `y`, and `ticket`, which is plain JSON
   * @example
   * const { y, ticket } = dropout.forward(Float32Array.of(1, 2, 3, 4), 0.1);
   */
  forward<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    x: X,
    p: number,
    options: DropoutOptions<Y> = NO_OPTIONS,
  ): { y: Result<Like<X>, Y>; ticket: Ticket } {
    try {
      const y = this.#forward(x, p, options) as Result<Like<X>, Y>;
      return { y, ticket: this.#call.recipe.toTicket() };
    } finally {
      this.#call.end();
    }
  }

  // Here and below, all properties of options are read before an operand is taken: a getter may run anything.
  #forward(x: AnyData, p: number, options: DropoutOptions<AnyData | undefined>): AnyData {
    checkProbability(p, "p");
    checkObject(options, "options", "object");
    const { training = true, rescale = "train", dtype: half, mask, out, kind, seed, stream, start } = options;
    checkFlag(training, "training");
    checkChoice(rescale, "rescale", RESCALES);
    const call = this.#call;
    call.takeStream(kind, seed, stream);
    const dtype = call.input.takeData(x, "x", call.dtypes, half);
    const { length } = call.input;
    call.takeRange(length, start);
    if (mask !== undefined) {
      call.mask.takeExactly(mask, "mask", "bits", length, true);
      call.mask.refuseOverlap("mask", call.input, "x", false);
    }
    const y = this.#takeOut(x, "x", dtype, out, "mask");
    call.recipe.use(p, rescale, training);
    call.setChance(dtype);
    if (training) call.useStream(stream);
    const { kind: source } = call.recipe;
    if (mask === undefined) call.run(this.#kernels.dropout[source][dtype], call.output, call.input);
    else call.run(this.#kernels.dropoutbits[source][dtype], call.output, call.input, call.mask);
    return y;
  }

  /**
   * The gradient of dropout: dx[i] = keep(i) ? dy[i] / (1 - P(drop)) : +0, with the mask regenerated from a ticket or read from where it was
   * stored. Both give the same bits.
   *
   * @param dy gradient with respect to y, f32 or f64; as long as the ticket or the mask says
   * @param source the ticket of the forward call, or a {@link StoredMask}
   * @param options see {@link BackwardOptions}
   * @returns `out`, or a new array, or buffer, like dy
   * @throws TypeError and RangeError as {@link Dropout.dropout} does
   * @example
   * const mask = new Uint8Array(1);
   * const { ticket } = dropout.forward(Float32Array.of(1, 2, 3, 4), 0.5, { mask });
   * const dy = Float32Array.of(1, 1, 1, 1);
   * const dx = dropout.backward(dy, ticket);
   * dropout.backward(dy, { mask, p: 0.5 }, { out: dy }); // the same, from the stored mask, in place
   */
  backward<X extends AnyData, Y extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    source: Ticket | StoredMask,
    options: BackwardOptions<Y> = NO_OPTIONS,
  ): Result<Like<X>, Y> {
    try {
      checkObject(source, "source", "ticket or stored mask");
      checkObject(options, "options", "object");
      const { out, dtype } = options;
      const { mask } = source as Partial<StoredMask>;
      const dx =
        mask === undefined
          ? this.#backwardFromTicket(dy, source, out, dtype)
          : this.#backwardFromMask(dy, mask, source as StoredMask, out, dtype);
      return dx as Result<Like<X>, Y>;
    } finally {
      this.#call.end();
    }
  }

  #backwardFromMask(dy: AnyData, mask: StoredMask["mask"], source: StoredMask, out: AnyData | undefined, half: unknown): AnyData {
    const { format = mask instanceof WasmBuffer ? mask.dtype : "bits", p, rescale = "train", kind = this.kind } = source;
    const call = this.#call;
    checkProbability(p, "source.p");
    checkChoice(rescale, "source.rescale", RESCALES);
    checkChoice(format, "source.format", STORED_FORMATS);
    checkChoice(kind, "source.kind", STREAM_KINDS);
    const dtype = call.input.takeData(dy, "dy", call.dtypes, half);
    call.mask.takeExactly(mask, "source.mask", format, call.input.length, false);
    const dx = this.#takeOut(dy, "dy", dtype, out, "source.mask");
    call.recipe.use(p, rescale, true);
    call.recipe.kind = kind;
    call.setChance(dtype);
    call.run(this.#kernels.apply[format][dtype], call.output, call.input, call.mask);
    return dx;
  }

  #backwardFromTicket(dy: AnyData, ticket: unknown, out: AnyData | undefined, half: unknown): AnyData {
    const call = this.#call;
    call.recipe.read(ticket);
    const { kind, length } = call.recipe;
    const dtype = call.input.takeData(dy, "dy", call.dtypes, half);
    if (call.input.length !== length) throw wrongValue("dy", `length ${length}, the ticket's`, call.input.length);
    const dx = this.#takeOut(dy, "dy", dtype, out);
    call.setChance(dtype);
    call.run(this.#kernels.dropout[kind][dtype], call.output, call.input);
    return dx;
  }

  /**
   * A mask of `length` elements.
   *
   * @param length number of elements
   * @param p drop probability in [0, 1]
   * @param options see {@link MaskOptions}
   * @throws TypeError and RangeError as {@link Dropout.dropout} does
   * @example
   * const bits = dropout.mask(1000, 0.1, { stream: 3 });
   * const multipliers = dropout.mask(1000, 0.1, { stream: 3, format: "f32" });
   */
  mask<F extends MaskFormat = "bits", M extends MaskArray<F> | undefined = undefined>(
    length: number,
    p: number,
    options: MaskOptions<F, M> = NO_OPTIONS,
  ): Result<NewMask<F>, M> {
    try {
      checkInteger(length, "length", 0, MAX_INDEX);
      checkProbability(p, "p");
      checkObject(options, "options", "object");
      const { format, out, kind, seed, stream, start } = options;
      const call = this.#call;
      call.takeStream(kind, seed, stream);
      call.takeRange(length, start);
      call.recipe.use(p, "train", true);
      const mask = this.#takeMaskOut(format, out);
      call.useStream(stream);
      this.#runMask();
      return mask as Result<NewMask<F>, M>;
    } finally {
      this.#call.end();
    }
  }

  /**
   * The mask that a ticket stands for.
   *
   * @param ticket of a forward call, here or elsewhere
   * @param options see {@link ReplayOptions}
   * @throws TypeError and RangeError as {@link Dropout.dropout} does
   * @example
   * const { ticket } = dropout.forward(Float32Array.of(1, 2, 3, 4), 0.5);
   * const bits = dropout.replay(JSON.parse(JSON.stringify(ticket)));
   */
  replay<F extends MaskFormat = "bits", M extends MaskArray<F> | undefined = undefined>(
    ticket: Ticket,
    options: ReplayOptions<F, M> = NO_OPTIONS,
  ): Result<NewMask<F>, M> {
    try {
      checkObject(options, "options", "object");
      const { format, out } = options;
      this.#call.recipe.read(ticket);
      const mask = this.#takeMaskOut(format, out);
      this.#runMask();
      return mask as Result<NewMask<F>, M>;
    } finally {
      this.#call.end();
    }
  }

  #runMask(): void {
    const { recipe, output } = this.#call;
    this.#call.setChance("f32");
    this.#call.run(this.#kernels.mask[recipe.kind][output.dtype as MaskFormat], output);
  }

  /**
   * How many elements a bit mask keeps.
   *
   * @param mask a bit an element, least significant first
   * @param length number of elements; by default all bits of a Uint8Array, or the buffer's length
   * @throws TypeError for a wrong kind of argument; RangeError if length does not fit the mask
   * @example
   * const kept = dropout.countKept(dropout.mask(1000, 0.1), 1000); // about 900
   */
  countKept(mask: Uint8Array | WasmBuffer<"bits">, length?: number): number {
    try {
      const elements = length === undefined ? elementsOf(mask) : length;
      checkInteger(elements, "length", 0, MAX_INDEX);
      this.#call.mask.takeExactly(mask, "mask", "bits", elements, false);
      return this.#call.run(this.#kernels.popcount.bits.u32, this.#call.mask);
    } finally {
      this.#call.end();
    }
  }

  /**
   * The share of elements that a bit mask keeps, in [0, 1]; NaN for no elements. Arguments and errors are those of {@link Dropout.countKept}.
   *
   * @example
   * const share = dropout.density(dropout.mask(1000, 0.1), 1000); // about 0.9
   */
  density(mask: Uint8Array | WasmBuffer<"bits">, length?: number): number {
    const kept = this.countKept(mask, length);
    return kept / (length === undefined ? elementsOf(mask) : length);
  }

  /** Takes `out`, or a new array like `x`, for the result of a call on `x`; `maskName` is what its mask is called, if it has one. */
  #takeOut(x: AnyData, xName: string, dtype: DataDtype, out: AnyData | undefined, maskName = ""): AnyData {
    const { input, output, mask } = this.#call;
    const result = out === undefined ? (makeLike(this.#memory, x, dtype, input.length, "out") as AnyData) : out;
    output.takeExactly(result, "out", dtype, input.length, true);
    output.refuseOverlap("out", input, xName, true);
    output.refuseOverlap("out", mask, maskName, false);
    return result;
  }

  /** Takes `out`, or a new array, for the mask that the recipe is for. */
  #takeMaskOut(format: unknown = "bits", out: unknown): unknown {
    const { output, recipe } = this.#call;
    checkChoice(format, "format", MASK_FORMATS);
    const mask = out === undefined ? makeArray(format, recipe.length, "length") : out;
    output.takeExactly(mask, "out", format, recipe.length, true);
    return mask;
  }
}

/** All elements of a bit mask; 0 for what is none, to be refused elsewhere. */
function elementsOf(mask: unknown): number {
  if (mask instanceof WasmBuffer) return mask.length;
  return ArrayBuffer.isView(mask) ? mask.byteLength * 8 : 0;
}

function randomSeed(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0] as bigint;
}
