// The table of dtypes. A new dtype needs a row here, and kernels.

/** Element types that every operation takes. */
export type Dtype = (typeof DTYPES)[number];
export const DTYPES = ["f32", "f64"] as const;

/** Element types of 16 bits, computed with in f32: IEEE 754 binary16 and bfloat16. Their kernels are those of "wasm-dropout/half". */
export type HalfDtype = (typeof HALF_DTYPES)[number];
export const HALF_DTYPES = ["f16", "bf16"] as const;

/** Returns true if a dtype has 16 bits. */
export function isHalf(dtype: string): dtype is HalfDtype {
  // Most data are f32, and a comparison costs less than a search.
  return dtype !== "f32" && HALF_DTYPES.includes(dtype as HalfDtype);
}

/** Element types that dropout takes. */
export type DataDtype = Dtype | HalfDtype;

/** Forms of a mask that dropout can be applied from: a bit an element (least significant first) or a byte an element. */
export type StoredFormat = (typeof STORED_FORMATS)[number];
export const STORED_FORMATS = ["bits", "bytes"] as const;

/** Forms of a generated mask: a bit or a byte an element (1 = keep), or the f32 to multiply by (scale or 0). */
export type MaskFormat = (typeof MASK_FORMATS)[number];
export const MASK_FORMATS = ["bits", "bytes", "f32"] as const;

/** The dtypes of buffers. */
export type BufferDtype = (typeof BUFFER_DTYPES)[number];
export const BUFFER_DTYPES = [...DTYPES, ...HALF_DTYPES, ...STORED_FORMATS] as const;

/** Float16Array where the program's TypeScript library declares it (ES2025), else never. */
export type Float16 = typeof globalThis extends { Float16Array: { readonly prototype: infer A } } ? A : never;

/** The Float16Array that a call makes. */
export type NewFloat16 = typeof globalThis extends { Float16Array: { of(...items: number[]): infer A } } ? A : never;

/** The typed array of each dtype, over memory of kind B. */
export interface Arrays<B extends ArrayBufferLike = ArrayBufferLike> {
  f32: Float32Array<B>;
  f64: Float64Array<B>;
  f16: Uint16Array<B>;
  bf16: Uint16Array<B>;
  bits: Uint8Array<B>;
  bytes: Uint8Array<B>;
}

const TABLE = {
  f32: { array: Float32Array, name: "Float32Array", bitsPerElement: 32 },
  f64: { array: Float64Array, name: "Float64Array", bitsPerElement: 64 },
  f16: { array: Uint16Array, name: "Uint16Array", bitsPerElement: 16 },
  bf16: { array: Uint16Array, name: "Uint16Array", bitsPerElement: 16 },
  bits: { array: Uint8Array, name: "Uint8Array", bitsPerElement: 1 },
  bytes: { array: Uint8Array, name: "Uint8Array", bitsPerElement: 8 },
} as const satisfies Record<BufferDtype, object>;

/** The largest finite number of each dtype that every operation takes. */
export const LARGEST: Readonly<Record<Dtype, number>> = { f32: (2 - 2 ** -23) * 2 ** 127, f64: Number.MAX_VALUE };

/** Returns the bytes that `length` elements take. */
export function byteLength(dtype: BufferDtype, length: number): number {
  return Math.ceil((length * TABLE[dtype].bitsPerElement) / 8);
}

/** Returns the length of the dtype's typed array for `length` elements: the bytes of a bit mask, else the elements. */
export function itemCount(dtype: BufferDtype, length: number): number {
  return dtype === "bits" ? byteLength(dtype, length) : length;
}

/** The name of the class whose elements are f16, which engines of 2025 have; a Uint16Array holds the bits of both 16-bit dtypes. */
export const FLOAT16 = "Float16Array";

/** The name of the class for bit masks of whole words, as ONNX Runtime's BitmaskDropout has them. */
export const WORDS_OF_BITS = "Uint32Array";

/** Returns the name of the dtype's typed array. */
export function arrayName(dtype: BufferDtype): string {
  return TABLE[dtype].name;
}

/** Returns true if an array whose class is called `name` can hold `dtype`. */
export function canHold(name: string | undefined, dtype: BufferDtype): boolean {
  return name === arrayName(dtype) || (dtype === "f16" && name === FLOAT16) || (dtype === "bits" && name === WORDS_OF_BITS);
}

/** Returns the arrays that can hold `dtype`, for messages. */
export function holdersOf(dtype: BufferDtype): string {
  const other = dtype === "f16" ? `, ${FLOAT16}` : dtype === "bits" ? `, ${WORDS_OF_BITS}` : "";
  return `${arrayName(dtype)}${other} or ${dtype} buffer`;
}

/** Returns the first of `dtypes` that an array whose class is called `name` can hold. */
export function dtypeOfArray<D extends BufferDtype>(name: string | undefined, dtypes: readonly D[]): D | undefined {
  return dtypes.find((dtype) => canHold(name, dtype));
}

/** Returns a typed array over `length` elements at byte `offset` of `buffer`. */
export function viewOf<D extends BufferDtype, B extends ArrayBufferLike>(dtype: D, buffer: B, offset: number, length: number): Arrays<B>[D];
export function viewOf(dtype: BufferDtype, buffer: ArrayBufferLike, offset: number, length: number) {
  return new TABLE[dtype].array(buffer as ArrayBuffer, offset, itemCount(dtype, length));
}

/** Returns the engine's Float16Array over the memory of an array of f16 bits. */
export function asFloat16({ buffer, byteOffset, length }: Uint16Array<ArrayBuffer>): NewFloat16 {
  const Engine = globalThis as unknown as { [FLOAT16]: new (...view: [ArrayBuffer, number, number]) => NewFloat16 };
  return new Engine[FLOAT16](buffer, byteOffset, length);
}

/** Returns a new typed array for `length` elements, all zero; throws the engine's RangeError if it cannot be made. */
export function newArray<D extends BufferDtype>(dtype: D, length: number): Arrays<ArrayBuffer>[D];
export function newArray(dtype: BufferDtype, length: number) {
  return new TABLE[dtype].array(itemCount(dtype, length));
}
