// The API over one wasm instance: checks arguments, decides what to draw, and hands addresses to the kernels.
// Invariant: everything is checked and allocated before the first byte is written and before a stream number is used up.

import { type BufferOf, WasmBuffer } from "../engine/buffer.js";
import { Engine } from "../engine/engine.js";
import { readHost, storeOf } from "../engine/host.js";
import { instantiate, noHost, PlainModule } from "../engine/instantiate.js";
import { bindKernels, CORE, type CoreKernels } from "../engine/kernels.js";
import { Memory, OWN_BYTES } from "../engine/memory.js";
import { type AnyData, type AnyDataOf, makeArray, type Taken } from "../engine/operand.js";
import type { Pass } from "../engine/pass.js";
import { MAX_BYTES, OwnStore } from "../engine/store.js";
import {
  bufferOf,
  checkAttached,
  checkChoice,
  checkFlag,
  checkFunction,
  checkInteger,
  checkProbability,
  isPromise,
  isTypedArray,
  lengthOf,
  offsetOf,
  tagOf,
  wrongKind,
  wrongValue,
} from "../ground/check.js";
import {
  type Arrays,
  BUFFER_DTYPES,
  type BufferDtype,
  byteLength,
  dtypeOfArray,
  FLOAT16,
  type Float16,
  HALF_DTYPES,
  type HalfDtype,
  MASK_FORMATS,
  type MaskFormat,
  STORED_FORMATS,
  viewOf,
} from "../ground/dtypes.js";
import { inspectable } from "../ground/inspect.js";
import { checkOptions } from "../ground/options.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import { type DropoutState, Sequence } from "../stream/sequence.js";
import { checkTicket, MAX_INDEX, RESCALES, type Ticket } from "../stream/ticket.js";
import {
  BACKWARD_KEYS,
  type BackwardOptions,
  type BitMask,
  checkRate,
  DROPOUT_KEYS,
  type DropoutOptions,
  type DtypeOf,
  INSTANCE_KEYS,
  type InstanceOptions,
  type Like,
  MASK_KEYS,
  MASK_RATE_KEYS,
  type MaskArray,
  type MaskOptions,
  type MaskRate,
  type NewMask,
  REPLAY_KEYS,
  type ReplayOptions,
  type Result,
  SAVED_MASK_KEYS,
  type SavedMask,
} from "./options.js";

const NO_OPTIONS = {};
// The dtypes that from() copies without being told one.
const COPIED = ["f32", "f64", "bytes"] as const;
type Copied = (typeof COPIED)[number];
// Four pages: the three that an instance starts with, for its staging slots, and one for buffers.
const LEAST_BYTES = 2 ** 18;
const MOST_RANKS = 2 ** 32;
const OPS = ["dropout"] as const;

/**
 * Dropout over one wasm instance and its memory. Made by {@link createDropout}, or synchronously from a compiled module.
 *
 * Every method takes ordinary Float32Array or Float64Array data of any length, streamed through a fixed staging area, or
 * {@link WasmBuffer}s and typed arrays over them, used where they lie. An instance is for one thread; several are independent. Arrays over a
 * SharedArrayBuffer are taken too; no other thread may write to them during the call. To see whether two such buffers are one memory, a call changes the
 * first byte of its result for a moment.
 *
 * @example
 * const dropout = await createDropout({ seed: 42 });
 * const { y, ticket } = dropout.forward(Float32Array.of(1, 2, 3, 4), 0.5);
 * const { dx } = dropout.backward(Float32Array.of(1, 1, 1, 1), ticket); // 2 where y was kept, 0 where it was dropped
 */
export class Dropout {
  readonly #engine: Engine;

  /**
   * Instantiates `module`, a compiled `simd.wasm` or `scalar.wasm` of this package.
   *
   * @throws TypeError if module is none of this package's, or an option is of the wrong kind; RangeError if an option is out of range
   * @example
   * const dropout = new Dropout(await compileDropout(), { seed: 42 });
   */
  constructor(module: WebAssembly.Module, options: InstanceOptions = NO_OPTIONS) {
    inspectable(Dropout.prototype, Dropout.#shown);
    if ((module as unknown) instanceof Engine) {
      this.#engine = module as unknown as Engine;
      return;
    }
    checkOptions(options, INSTANCE_KEYS);
    const { seed, kind, maxBytes, rank = 0, state, host } = options;
    if (maxBytes !== undefined) {
      if (host !== undefined) throw wrongKind("maxBytes", "nothing beside host", maxBytes);
      checkInteger(maxBytes, "maxBytes", LEAST_BYTES, MAX_BYTES);
    }
    checkInteger(rank, "rank", 0, MOST_RANKS - 1);
    if (kind !== undefined) checkChoice(kind, "kind", STREAM_KINDS);
    let sequence: Sequence;
    if (state === undefined) {
      sequence = seed === undefined ? Sequence.random(kind ?? "tile") : new Sequence(kind ?? "tile");
      if (seed !== undefined) sequence.seed.set(seed, "seed");
    } else {
      if (seed !== undefined || kind !== undefined) throw wrongKind("state", "no seed or kind beside it", state);
      sequence = Sequence.from(state);
    }
    sequence.rank = rank;
    if (host !== undefined && (module as unknown) instanceof PlainModule) throw noHost(host);
    const store = host === undefined ? new OwnStore(maxBytes ?? MAX_BYTES, OWN_BYTES, module) : storeOf(readHost(host));
    // Before the host is asked for memory, so that a module which does not fit leaves nothing behind.
    const kernels = bindKernels<CoreKernels>(instantiate(module, store.wasm), CORE);
    this.#engine = new Engine(new Memory(store), sequence, kernels);
  }

  /** @internal Returns an instance over an engine that exists. */
  static _over(engine: Engine): Dropout {
    return new Dropout(engine as unknown as WebAssembly.Module);
  }

  /** @internal The engine of `value`, for extensions; undefined for what is no instance of this package. */
  static _engineOf(value: unknown): Engine | undefined {
    return typeof value === "object" && value !== null && #engine in value ? value.#engine : undefined;
  }

  /** The keep stream of calls that name none. */
  get kind(): StreamKind {
    return this.#engine.sequence.kind;
  }

  /** The seed of calls that name none. */
  get seed(): bigint {
    return this.#engine.sequence.seed.toBigInt();
  }

  /** The wasm memory, to share with other code: the host's, if there is one. Growth detaches typed arrays over it; {@link WasmBuffer.array} derives them anew. */
  get memory(): WebAssembly.Memory {
    return this.#engine.memory.wasm;
  }

  /**
   * The place in the sequence of masks: store it as JSON, then `restore` it or create an instance with it, and the masks that follow are the same.
   *
   * @example
   * const saved = JSON.stringify(dropout.state);
   * dropout.restore(JSON.parse(saved));
   */
  get state(): DropoutState {
    return this.#engine.sequence.state;
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
    this.#engine.sequence.restore(state);
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
    const { next } = this.#engine.sequence;
    const stream = next.toBigInt();
    next.increment();
    return stream;
  }

  /**
   * Makes a zero-filled buffer of `length` elements in wasm memory.
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
    const { memory } = this.#engine;
    return new WasmBuffer(memory, dtype, memory.allocateZeros(dtype, length, "length"), length);
  }

  /**
   * Makes a buffer in wasm memory with a copy of `array`: "f32" of a Float32Array, "f64" of a Float64Array, "f16" of a Float16Array, "bytes" of a
   * Uint8Array, and of a Uint16Array the `dtype` of its bits.
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
    const tag = isTypedArray(array) ? tagOf(array) : undefined;
    const dtype = half === undefined && tag === FLOAT16 ? "f16" : dtypeOfArray(tag, half === undefined ? COPIED : [half]);
    if (dtype === undefined) {
      throw wrongKind(
        "array",
        half === undefined ? "Float32Array, Float64Array, Float16Array, Uint8Array, or Uint16Array with a dtype" : "Uint16Array",
        array,
      );
    }
    checkAttached(array, "array");
    const { memory } = this.#engine;
    const length = lengthOf(array);
    const address = memory.addressOf(array, "array");
    const buffer = new WasmBuffer(memory, dtype, memory.allocate(dtype, length, "array"), length);
    // Bits, not numbers, of 16-bit data; and the allocation may have detached a view of this very memory.
    WasmBuffer._viewOf(buffer).set(address < 0 ? viewOfArray(dtype, array) : memory.view(dtype, address, length));
    return buffer;
  }

  /**
   * Makes a buffer over data that lie in the memory already, such as a tensor of the {@link HostMemory}'s program: calls read and write it in place. The data
   * stay their owner's: `free()` of the buffer gives nothing back, and who frees the data must not use the buffer any more.
   *
   * @param dtype as for {@link Dropout.alloc}
   * @param pointer byte address, a multiple of the size of an element; negative ones are those above 2^31 as wasm exports return them
   * @param length number of elements
   * @throws TypeError for a wrong kind of argument; RangeError for what does not lie in the memory, below address 1024, or in the instance's own data
   * @example
   * const x = dropout.from(Float32Array.of(1, 2, 3, 4));
   * const half = dropout.view("f32", x.pointer + 8, 2); // 3 and 4
   */
  view<D extends BufferDtype>(dtype: D, pointer: number, length: number): BufferOf<D>;
  view(dtype: BufferDtype, pointer: number, length: number): WasmBuffer {
    checkChoice(dtype, "dtype", BUFFER_DTYPES);
    checkInteger(pointer, "pointer", -MAX_BYTES / 2, MAX_BYTES - 1);
    checkInteger(length, "length", 0, MAX_INDEX);
    const { memory } = this.#engine;
    memory.checkLive();
    const [address, bytes, size] = [pointer >>> 0, byteLength(dtype, length), byteLength(dtype, 1)];
    if (address % size > 0) throw wrongValue("pointer", `multiple of ${size}`, address);
    const { byteLength: end } = memory.buffer;
    if (address + bytes > end)
      throw wrongValue("length", `elements within the ${end} bytes of the memory`, `${bytes} bytes from ${address} on`);
    memory.checkRange(address, bytes, "pointer");
    return new WasmBuffer(memory, dtype, address, length, false);
  }

  /**
   * Gives all memory back, to the host's `free` if there is one: the instance's own data and all buffers, which are freed. Calls of the instance and of all
   * that extends it throw a TypeError from now on; `state` can still be read. A second call does nothing. An instance with a memory of its own needs no
   * `dispose`: its memory goes with it.
   *
   * @throws TypeError, and changes nothing, within a call or prediction of the instance or of an extension; what the host's `free` throws, once all blocks
   * were given to it
   * @example
   * const other = await createDropout({ seed: 42 });
   * other.dispose();
   */
  dispose(): void {
    this.#engine.memory.dispose();
  }

  /**
   * Runs `body` and frees the buffers that were made in it, but for those that it returns: the buffer itself, or those in the arrays, objects, Maps and
   * Sets that it returns, however deep.
   *
   * @param body a function that is done when it returns: a promise is refused
   * @returns the result of `body`
   * @throws TypeError if body is no function or returns a promise; the errors of body. In all cases the buffers are freed.
   * @example
   * const y = dropout.tidy(() => {
   *   const x = dropout.from(Float32Array.of(1, 2, 3, 4));
   *   return dropout.dropout(x, 0.5); // x is freed, y is not
   * });
   */
  tidy<R>(body: () => R): R {
    checkFunction(body, "body");
    const { memory } = this.#engine;
    const outer = memory.scope;
    const scope: WasmBuffer[] = [];
    memory.scope = scope as { free(): void }[];
    let kept: ReadonlySet<unknown> = new Set();
    try {
      const result = body();
      if (isPromise(result)) {
        // Nobody else gets to see how it ends.
        Promise.resolve(result).catch(() => {});
        throw wrongKind("body", "function that returns no promise", result);
      }
      kept = within(result);
      return result;
    } finally {
      memory.scope = outer;
      for (const buffer of scope) {
        if (!kept.has(buffer)) buffer.free();
        else outer?.push(buffer);
      }
    }
  }

  /**
   * Inverted dropout: y[i] = keep(start + i) ? x[i] / (1 - P(drop)) : +0, of the same shape and dtype as x (Srivastava et al. 2014, section 10).
   * A dropped NaN or infinity gives +0. p = 0 and `training: false` copy the bits of x; p = 1 gives +0 everywhere.
   *
   * This is the one operation that returns y alone; {@link Dropout.forward} computes the same and also returns the ticket.
   *
   * @param x data of f32 or f64, or, of an instance of {@link createHalf} of "wasm-dropout/half", f16 or bf16, which are computed with in f32
   * @param p drop probability in [0, 1]; for f16 below 1 - 1 / 65520, or 1, as a kept 1 would be infinite
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
    const pass = this.#engine.open();
    try {
      const y = this.#forward(pass, x, p, options);
      pass.keep();
      return y as Result<Like<X>, Y>;
    } finally {
      this.#engine.close(pass);
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
  ): { y: Result<Like<X>, Y>; ticket: Ticket<"dropout"> } {
    const pass = this.#engine.open();
    try {
      const y = this.#forward(pass, x, p, options) as Result<Like<X>, Y>;
      pass.keep();
      return { y, ticket: pass.ticket("dropout") };
    } finally {
      this.#engine.close(pass);
    }
  }

  // Written out, where extensions go through perform(): a call on buffers allocates neither a plan nor a closure.
  #forward(pass: Pass, x: AnyData, p: number, options: DropoutOptions<AnyData | undefined>): unknown {
    checkRate(p);
    checkOptions(options, DROPOUT_KEYS);
    const { training = true, rescale = "train", dtype: half, mask, out, kind, seed, stream, start } = options;
    checkFlag(training, "training");
    checkChoice(rescale, "rescale", RESCALES);
    const { draw } = pass;
    draw.choose(kind, seed, stream);
    const input = pass.data(x, "x", half);
    const { stored, length } = input;
    draw.range(length, start);
    const bits = mask === undefined ? undefined : pass.output(mask, "mask", "bits", length, undefined);
    const output = pass.output(out, "out", stored, length, x, input);
    draw.chance(p, rescale, training);
    const src = pass.stageFixedStored(input);
    const dst = pass.stageFixedStored(output);
    const keep = bits === undefined ? undefined : pass.stageFixedStored(bits);
    const run = pass.ready();
    const { kernels } = this.#engine;
    if (keep === undefined) run.elementwise(loaded(kernels.dropout[draw.kind][stored]), dst, src);
    else if (training || run.scale < Infinity) run.elementwise(loaded(kernels.dropoutbits[draw.kind][stored]), dst, src, keep);
    else {
      // The classic form at p = 1 outside training: all values are multiplied by 0, yet none is dropped.
      run.elementwise(loaded(kernels.dropout[draw.kind][stored]), dst, src);
      draw.chance(0, "train", false);
      draw.settle("f32", "f32");
      run.elementwise(kernels.mask[draw.kind].bits, keep);
      draw.chance(p, rescale, training);
    }
    return output.array;
  }

  /**
   * The gradient of dropout: dx[i] = keep(i) ? dy[i] / (1 - P(drop)) : +0, with the mask drawn again from a ticket or read from `saved`, where the
   * forward call has written it. Both give the same bits.
   *
   * @param dy gradient with respect to y, f32 or f64 (f16 or bf16 as in {@link Dropout.dropout}); as long as the ticket or the mask says
   * @param ticket of the forward call; or, with `saved.mask`, a {@link MaskRate}
   * @param saved see {@link SavedMask}
   * @param options see {@link BackwardOptions}
   * @returns `dx`, in `options.dx` or a new array, or buffer, like dy
   * @throws TypeError and RangeError as {@link Dropout.dropout} does, and for a ticket of another operation
   * @example
   * const mask = new Uint8Array(1);
   * const { ticket } = dropout.forward(Float32Array.of(1, 2, 3, 4), 0.5, { mask });
   * const dy = Float32Array.of(1, 1, 1, 1);
   * const { dx } = dropout.backward(dy, ticket);
   * dropout.backward(dy, { p: 0.5 }, { mask }, { dx: dy }); // the same, from the stored mask, in place
   */
  backward<X extends AnyData, DX extends AnyDataOf<DtypeOf<X>> | undefined = undefined>(
    dy: X,
    ticket: Ticket<"dropout"> | MaskRate,
    saved: SavedMask = NO_OPTIONS,
    options: BackwardOptions<DX> = NO_OPTIONS,
  ): { dx: Result<Like<X>, DX> } {
    const pass = this.#engine.open();
    try {
      const dx = this.#backward(pass, dy, ticket, saved, options) as Result<Like<X>, DX>;
      pass.keep();
      return { dx };
    } finally {
      this.#engine.close(pass);
    }
  }

  #backward(
    pass: Pass,
    dy: AnyData,
    ticket: Ticket<"dropout"> | MaskRate,
    saved: SavedMask,
    options: BackwardOptions<AnyData | undefined>,
  ): unknown {
    if (saved !== NO_OPTIONS) checkOptions(saved, SAVED_MASK_KEYS, "saved");
    checkOptions(options, BACKWARD_KEYS);
    const { mask, format = WasmBuffer._is(mask) ? WasmBuffer._dtypeOf(mask) : "bits" } = saved;
    const { dx, dtype: half } = options;
    const { draw } = pass;
    checkTicket(ticket);
    const full = mask === undefined || "version" in ticket;
    if (full) draw.read(ticket, OPS);
    else this.#readRate(pass, ticket as MaskRate);
    checkChoice(format, "saved.format", STORED_FORMATS);
    const input = pass.data(dy, "dy", half);
    const { stored, length } = input;
    if (full && length !== draw.length) throw wrongValue("dy", `length ${draw.length}, the ticket's`, length);
    draw.length = length;
    const keep = mask === undefined ? undefined : pass.input(mask, "saved.mask", format, length);
    const output = pass.output(dx, "dx", stored, length, dy, input);
    const src = pass.stageFixedStored(input);
    const dst = pass.stageFixedStored(output);
    const decisions = keep === undefined ? undefined : pass.stageFixedStored(keep);
    const run = pass.ready();
    const { dropout, apply } = this.#engine.kernels;
    if (decisions === undefined || draw.rescale === "test") run.elementwise(loaded(dropout[draw.kind][stored]), dst, src);
    else run.elementwise(loaded(apply[format][stored]), dst, src, decisions);
    return output.array;
  }

  #readRate(pass: Pass, rate: MaskRate): void {
    checkOptions(rate, MASK_RATE_KEYS, "ticket");
    const { p, rescale = "train", kind } = rate;
    checkProbability(p, "ticket.p");
    checkChoice(rescale, "ticket.rescale", RESCALES);
    pass.draw.choose(kind, undefined, 0);
    pass.draw.chance(p, rescale, true);
  }

  /**
   * Draws a mask of `length` elements.
   *
   * @param length number of elements
   * @param p drop probability in [0, 1]
   * @param options see {@link MaskOptions}
   * @returns `out`, or the new array
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
    const pass = this.#engine.open();
    try {
      checkInteger(length, "length", 0, MAX_INDEX);
      checkRate(p);
      checkOptions(options, MASK_KEYS);
      const { format, out, kind, seed, stream, start } = options;
      const { draw } = pass;
      draw.choose(kind, seed, stream);
      draw.range(length, start);
      draw.chance(p, "train", true);
      return this.#mask(pass, format, out, length) as Result<NewMask<F>, M>;
    } finally {
      this.#engine.close(pass);
    }
  }

  /**
   * Draws the mask of a ticket again, whatever its operation: the elements' own, or the decisions that the operation has spread over them.
   *
   * @param ticket of a forward call, here or elsewhere; it costs what its `length` says
   * @param options see {@link ReplayOptions}
   * @returns `out`, or the new array
   * @throws TypeError and RangeError as {@link Dropout.dropout} does, and RangeError for more than `maxLength` elements
   * @example
   * const { ticket } = dropout.forward(Float32Array.of(1, 2, 3, 4), 0.5);
   * const bits = dropout.replay(JSON.parse(JSON.stringify(ticket)), { maxLength: 1000 });
   */
  replay<F extends MaskFormat = "bits", M extends MaskArray<F> | undefined = undefined>(
    ticket: Ticket,
    options: ReplayOptions<F, M> = NO_OPTIONS,
  ): Result<NewMask<F>, M> {
    const pass = this.#engine.open();
    try {
      checkOptions(options, REPLAY_KEYS);
      const { format, out, maxLength = MAX_INDEX } = options;
      checkInteger(maxLength, "maxLength", 0, MAX_INDEX);
      const { draw } = pass;
      draw.read(ticket);
      if (draw.length > maxLength) throw wrongValue("ticket.length", `at most maxLength, ${maxLength}`, draw.length);
      return this.#mask(pass, format, out, draw.length) as Result<NewMask<F>, M>;
    } finally {
      this.#engine.close(pass);
    }
  }

  #mask(pass: Pass, format: unknown = "bits", out: unknown, length: number): unknown {
    checkChoice(format, "format", MASK_FORMATS);
    const array = out === undefined ? makeArray(format, length, "length") : out;
    const output: Taken = pass.output(array, "out", format, length, undefined);
    // The classic form outside training drops nothing; its multipliers are what its ticket says.
    if (pass.draw.rescale === "test" && format !== "f32") pass.draw.chance(0, "train", false);
    const dst = pass.stageFixed(output);
    const run = pass.ready();
    run.elementwise(this.#engine.kernels.mask[pass.draw.kind][format], dst);
    return array;
  }

  /**
   * Counts the elements that a bit mask keeps.
   *
   * @param mask a bit an element, least significant first
   * @param length number of elements; by default all bits of a typed array, or the buffer's length
   * @throws TypeError for a wrong kind of argument; RangeError if length does not fit the mask
   * @example
   * const kept = dropout.countKept(dropout.mask(1000, 0.1), 1000); // about 900
   */
  countKept(mask: BitMask, length?: number): number {
    const pass = this.#engine.open();
    try {
      const elements = length === undefined ? elementsOf(mask) : length;
      checkInteger(elements, "length", 0, MAX_INDEX);
      const src = pass.stageFixed(pass.input(mask, "mask", "bits", elements));
      return pass.ready().elementwise(this.#engine.kernels.popcount.bits.u32, src);
    } finally {
      this.#engine.close(pass);
    }
  }

  /**
   * Computes the share of elements that a bit mask keeps, in [0, 1]; NaN for no elements. Arguments and errors are those of {@link Dropout.countKept}.
   *
   * @example
   * const share = dropout.density(dropout.mask(1000, 0.1), 1000); // about 0.9
   */
  density(mask: BitMask, length?: number): number {
    const kept = this.countKept(mask, length);
    return kept / (length === undefined ? elementsOf(mask) : length);
  }

  /** Returns the text that consoles print for an instance, or for the prototype. */
  static #shown(value: unknown): string {
    if (typeof value !== "object" || value === null || !(#engine in value)) return "Dropout {}";
    const { kind, seed, nextStream } = value.state;
    const { count, bytes } = value.#engine.memory.buffers;
    const { byteLength: size } = value.memory.buffer;
    const { rank } = value.#engine.sequence;
    const ranked = rank === 0 ? "" : `, rank: ${rank}`;
    return `Dropout { kind: "${kind}", seed: ${seed}, nextStream: ${nextStream}${ranked}, memory: ${size} bytes, buffers: ${count} of ${bytes} bytes }`;
  }
}

/** Returns `value` and all that arrays, objects, Maps and Sets in it hold. */
function within(value: unknown): ReadonlySet<unknown> {
  const found = new Set<unknown>([value]);
  // Items that are added on the way are visited too.
  for (const item of found) {
    if (typeof item !== "object" || item === null || WasmBuffer._is(item) || ArrayBuffer.isView(item)) continue;
    if (item instanceof Map || item instanceof Set) for (const [key, entry] of item.entries()) found.add(key).add(entry);
    for (const entry of Object.values(item)) found.add(entry);
  }
  return found;
}

/** Returns all elements of a bit mask; 0 for what is none, to be refused elsewhere. */
function elementsOf(mask: unknown): number {
  if (WasmBuffer._is(mask)) return WasmBuffer._lengthOf(mask);
  return isTypedArray(mask) ? lengthOf(mask) * 8 * (tagOf(mask) === "Uint32Array" ? 4 : 1) : 0;
}

function viewOfArray(dtype: BufferDtype, array: ArrayBufferView): Arrays[BufferDtype] {
  return viewOf(dtype, bufferOf(array), offsetOf(array), lengthOf(array));
}

/** The dtypes of an instance are those of its kernels: one that was taken has a kernel. */
function loaded<K>(kernel: K | undefined): K {
  return kernel as K;
}
