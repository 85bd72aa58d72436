// One call: its draw, its operands and its scratch. It is taken from a pool, so that a call on buffers allocates nothing; a call made from within
// another takes another pass, so that none can disturb the one it interrupts.
// Order is part of the types: a `Taking` pass checks and allocates and cannot run kernels; ready() uses up the stream number and returns the same
// pass as `Running`, which can, and cannot take. An operation is `read` (options, copied and checked), `take`, and `run`, which does not throw.

import { wrongKind } from "../ground/check.js";
import { type BufferDtype, byteLength, type DataDtype, isHalf } from "../ground/dtypes.js";
import { Draw } from "../stream/draw.js";
import type { Op, Ticket } from "../stream/ticket.js";
import { WasmBuffer } from "./buffer.js";
import type { Context } from "./context.js";
import { CHUNK, type Memory, STAGED } from "./memory.js";
import { makeLike, Operand, type Staged, type StagedData, type Taken, type TakenData } from "./operand.js";
import { PIECE } from "./pieces.js";

/** A kernel over up to three operands: addresses in the order of its signature, the number of elements, the parameter record. */
type Kernel = (...args: number[]) => number | undefined;

/** A result that an operation is to write. */
export interface Wanted {
  readonly name: string;
  /** The array to write it to, or undefined for a new one. */
  readonly value: unknown;
  readonly dtype: BufferDtype;
  readonly length: number;
  /** Operands whose very elements it may be. */
  readonly same?: readonly Taken[];
  /** The array that a new one is like, where that is not the one of the call. */
  readonly like?: unknown;
}

/** The part of a pass that checks and allocates. */
export interface Taking {
  readonly engine: Context;
  /** The decisions of the call. */
  readonly draw: Draw;
  /**
   * Takes data of a dtype that the instance knows, to be read; `half` is the dtype of a Uint16Array, called "dtype". The first data of a call say which
   * dtype its scale is rounded to.
   */
  data(value: unknown, name: string, half?: unknown): TakenData;
  /** As data(), of the dtypes in `dtypes` only. */
  dataOf(value: unknown, name: string, dtypes: readonly DataDtype[], half?: unknown): TakenData;
  /** Takes data of `dtype`, of whatever length, to be read. */
  ofDtype(value: unknown, name: string, dtype: BufferDtype): TakenData;
  /** Takes an array of `length` elements of `dtype`, to be read. */
  input(value: unknown, name: string, dtype: BufferDtype, length: number): Taken;
  /**
   * Takes `value`, or a new array where that is undefined (in wasm memory if `like` is a buffer), for a result of `length` elements of `dtype`. It may be
   * the very elements of the operands in `same`, and must lie apart from all others taken before.
   */
  output(value: unknown, name: string, dtype: BufferDtype, length: number, like: unknown, ...same: readonly Taken[]): Taken;
  /** Takes several results, first those that the caller has made: making one may detach views of wasm memory. */
  outputs<const W extends readonly Wanted[]>(like: unknown, wanted: W): { [K in keyof W]: Taken };
  /** Returns the address of `bytes` uninitialised bytes until the call ends; throws RangeError if the memory cannot grow that far. */
  scratch(bytes: number): number;
  /** Lets kernels reach an operand, at most `count` elements at once, 16-bit data as f32. */
  stage(operand: TakenData, count?: number): StagedData;
  stage(operand: Taken, count?: number): Staged;
  /** As stage(), 16-bit data as they are. */
  stageStored(operand: Taken, count?: number): Staged;
  /** Lets a kernel that works in place reach an input and an output of one dtype, or a mask, through the fixed slots, 16-bit data as f32. */
  stageFixed(operand: TakenData): StagedData;
  stageFixed(operand: Taken): Staged;
  /** As stageFixed(), 16-bit data as they are. */
  stageFixedStored(operand: Taken): Staged;
}

/** The part of a pass that runs kernels. */
export interface Running {
  readonly engine: Context;
  /** The factor of kept elements, rounded to the dtype; Infinity where everything is dropped. */
  readonly scale: number;
  /** Writes the parameter record of element `at` of the draw; returns its address. */
  params(at: number): number;
  /** As params(), with a scale of 1. */
  paramsUnscaled(at: number): number;
  /** Runs `kernel` on its operands in the order of its signature, piece by piece if one lies outside wasm memory; returns the sum of its results. */
  elementwise(kernel: Kernel, a: Staged, b?: Staged, c?: Staged): number;
  /** Returns the draw's ticket. */
  ticket<O extends Op>(op: O): Ticket<O>;
  /** Throws TypeError if a callback has freed a buffer, or detached an array, that was taken. */
  checkLive(): void;
}

export class Pass implements Taking, Running {
  readonly engine: Context;
  readonly draw: Draw;
  readonly #memory: Memory;
  readonly #chunk: number;
  readonly #operands: Operand[] = [];
  #taken = 0;
  // True if a bit mask may be padded to whole words.
  #padded = false;
  #dtype: DataDtype | undefined;
  #stored: DataDtype = "f32";
  // Blocks to give back, and buffers to free unless the call succeeds.
  readonly #pointers: number[] = [];
  readonly #made: WasmBuffer[] = [];

  /** @param chunk the most elements that one kernel call takes, a multiple of 8 */
  constructor(engine: Context, chunk = CHUNK) {
    this.engine = engine;
    this.draw = new Draw(engine.sequence);
    this.#memory = engine.memory;
    this.#chunk = chunk;
  }

  /** Starts a call. */
  begin(): this {
    this.draw.begin();
    this.#dtype = undefined;
    this.#stored = "f32";
    this.#padded = false;
    return this;
  }

  #operand(): Operand {
    let operand = this.#operands[this.#taken];
    if (operand === undefined) {
      operand = new Operand(this.engine.memory);
      this.#operands.push(operand);
    }
    ++this.#taken;
    return operand;
  }

  data(value: unknown, name: string, half?: unknown): TakenData {
    return this.#data(value, name, this.engine.dtypes, half, true);
  }

  dataOf(value: unknown, name: string, dtypes: readonly DataDtype[], half?: unknown): TakenData {
    return this.#data(value, name, dtypes, half, false);
  }

  #data(value: unknown, name: string, dtypes: readonly DataDtype[], half: unknown, all: boolean): TakenData {
    const operand = this.#operand();
    operand.takeData(value, name, dtypes, half, all);
    if (this.#dtype === undefined) {
      this.#dtype = operand.computed as DataDtype;
      this.#stored = operand.stored as DataDtype;
    }
    return operand as Operand & TakenData;
  }

  ofDtype(value: unknown, name: string, dtype: BufferDtype): TakenData {
    const operand = this.#operand();
    operand.takeAlike(value, name, dtype);
    return operand as Operand & TakenData;
  }

  input(value: unknown, name: string, dtype: BufferDtype, length: number): Taken {
    const operand = this.#operand();
    operand.takeExactly(value, name, dtype, length, false);
    return operand;
  }

  output(value: unknown, name: string, dtype: BufferDtype, length: number, like: unknown, a?: Taken, b?: Taken, c?: Taken): Taken {
    const array = value === undefined ? makeLike(this.engine.memory, like, dtype, length, name) : value;
    if (value === undefined && WasmBuffer._is(array)) this.#made.push(array);
    const others = this.#taken;
    const operand = this.#operand();
    operand.takeExactly(array, name, dtype, length, true);
    if (dtype === "bits") this.#padded = true;
    for (let k = 0; k < others; ++k) {
      const other = this.#operands[k] as Operand;
      operand.refuseOverlap(other, other === a || other === b || other === c);
    }
    return operand;
  }

  outputs<const W extends readonly Wanted[]>(like: unknown, wanted: W): { [K in keyof W]: Taken } {
    const results = new Array<Taken>(wanted.length);
    for (let round = 0; round < 2; ++round) {
      for (let k = 0; k < wanted.length; ++k) {
        const { value, name, dtype, length, same, like: own = like } = wanted[k] as Wanted;
        if ((value === undefined) !== (round === 1)) continue;
        results[k] = this.output(value, name, dtype, length, own, same?.[0] as Taken, same?.[1] as Taken, same?.[2] as Taken);
      }
    }
    return results as { [K in keyof W]: Taken };
  }

  scratch(bytes: number): number {
    const pointer = this.engine.scratch.take(bytes);
    this.#pointers.push(pointer);
    return pointer;
  }

  stage(operand: TakenData, count?: number): StagedData;
  stage(operand: Taken, count?: number): Staged;
  stage(operand: Taken, count = PIECE): Staged {
    return this.#stage(operand as Operand, count, true);
  }

  stageStored(operand: Taken, count = PIECE): Staged {
    return this.#stage(operand as Operand, count, false);
  }

  #stage(operand: Operand, count: number, converted: boolean): Operand {
    const conversion = converted && isHalf(operand.stored) ? this.engine.conversionOf(operand.stored) : undefined;
    const bytes = byteLength(conversion === undefined ? operand.stored : "f32", Math.min(count, operand.length));
    operand.stage(operand.needsSlot(conversion) ? this.scratch(bytes) : -1, conversion);
    return operand;
  }

  stageFixed(operand: TakenData): StagedData;
  stageFixed(operand: Taken): Staged;
  stageFixed(operand: Taken): Staged {
    const { stored } = operand;
    return this.#stageFixed(operand as Operand, isHalf(stored));
  }

  stageFixedStored(operand: Taken): Staged {
    return this.#stageFixed(operand as Operand, false);
  }

  #stageFixed(operand: Operand, converted: boolean): Operand {
    const { stored } = operand;
    const slot = stored === "bits" || stored === "bytes" ? this.#memory.maskSlot : this.#memory.dataSlot;
    operand.stage(slot, converted && isHalf(stored) ? this.engine.conversionOf(stored) : undefined);
    return operand;
  }

  /** Ends the taking: settles threshold and scale and uses up the number of the stream. Throws RangeError where f16 cannot hold the scale. */
  ready(): Running {
    this.draw.settle(this.#dtype ?? "f32", this.#stored);
    this.draw.number();
    if (this.#padded) this.#clearPadding();
    return this;
  }

  #clearPadding(): void {
    for (let k = 0; k < this.#taken; ++k) (this.#operands[k] as Operand).clearPadding();
  }

  get scale(): number {
    return this.draw.scale;
  }

  params(at: number): number {
    const memory = this.#memory;
    memory.writeParams(this.draw, at);
    return memory.params;
  }

  paramsUnscaled(at: number): number {
    const params = this.params(at);
    this.engine.memory.writeNoScale();
    return params;
  }

  elementwise(kernel: Kernel, a: Staged, b?: Staged, c?: Staged): number {
    const { length } = a;
    const resident = a.resident && b?.resident !== false && c?.resident !== false;
    const most = resident ? this.#chunk : a.dtype === "f64" ? STAGED / 2 : STAGED;
    // Small calls feel each operand that is asked to leave.
    if (resident && length > 0 && length <= most) return this.#piece(kernel, 0, length, a, b, c);
    let sum = 0;
    for (let at = 0; at < length; at += most) {
      const count = Math.min(most, length - at);
      sum += this.#piece(kernel, at, count, a, b, c);
      a.leave(at, count);
      b?.leave(at, count);
      c?.leave(at, count);
    }
    return sum;
  }

  /** Runs `kernel` on elements at..at+count-1; returns its result, 0 if it has none. */
  #piece(kernel: Kernel, at: number, count: number, a: Staged, b?: Staged, c?: Staged): number {
    const params = this.params(at);
    const first = a.enter(at, count);
    let result: number | undefined;
    if (b === undefined) {
      result = kernel(first, count, params);
    } else {
      const second = b.enter(at, count);
      result = c === undefined ? kernel(first, second, count, params) : kernel(first, second, c.enter(at, count), count, params);
    }
    return result === undefined ? 0 : result >>> 0;
  }

  ticket<O extends Op>(op: O): Ticket<O> {
    return this.draw.ticket(op);
  }

  checkLive(): void {
    for (let k = 0; k < this.#taken; ++k) {
      const { lost, name, array } = this.#operands[k] as Operand;
      if (lost) throw wrongKind(name, "live buffer or array, also after the callbacks of the call", array);
    }
  }

  /** Leaves the buffers that were made to the caller: the call has succeeded. */
  keep(): void {
    if (this.#made.length > 0) this.#made.length = 0;
  }

  /** Ends the call: gives back scratch, lets go of the caller's arrays, and frees the buffers made here unless keep() was called. */
  end(): void {
    for (let k = 0; k < this.#taken; ++k) (this.#operands[k] as Operand).clear();
    this.#taken = 0;
    while (this.#pointers.length > 0) this.engine.scratch.release(this.#pointers.pop() as number);
    while (this.#made.length > 0) (this.#made.pop() as WasmBuffer).free();
  }
}

/** One operation of an extension: from the arguments of a call to its result. */
export interface Operation<Args extends readonly unknown[], Plan, R> {
  /** Reads and checks the options; copies what is array-like. Nothing else has happened yet. */
  readonly read: (...args: Args) => Plan;
  /** Takes operands, results and scratch, or throws; returns the work. */
  readonly take: (pass: Taking, plan: Plan) => (run: Running) => R;
}

/** The source of passes for calls: an engine. */
interface PassPool {
  open(): Pass;
  close(pass: Pass): void;
}

/** Runs an operation as one call of an instance. */
export function perform<Args extends readonly unknown[], Plan, R>(
  pool: PassPool,
  { read, take }: Operation<Args, Plan, R>,
  ...args: Args
): R {
  const plan = read(...args);
  const pass = pool.open();
  try {
    const result = take(pass, plan)(pass.ready());
    pass.keep();
    return result;
  } finally {
    pool.close(pass);
  }
}
