// Assertions that run in any engine.

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export function equal(got: unknown, expected: unknown, what: string): void {
  if (got !== expected) throw new Error(`${what}: got ${String(got).slice(0, 200)} instead of ${String(expected).slice(0, 200)}`);
}

type ErrorType = new (message: string) => Error;

const NO_ERROR = "no error";

export function throwsWith(type: ErrorType, message: string, act: () => unknown): void {
  let got: unknown = NO_ERROR;
  try {
    act();
  } catch (error) {
    got = error;
  }
  checkError(got, type, message);
}

export async function rejectsWith(type: ErrorType, message: string, promise: Promise<unknown>): Promise<void> {
  checkError(await promise.then(() => NO_ERROR).catch((error: unknown) => error), type, message);
}

function checkError(got: unknown, type: ErrorType, message: string): void {
  if (!(got instanceof type && got.message.startsWith(message))) throw new Error(`got ${got} instead of ${type.name}: ${message}`);
}
