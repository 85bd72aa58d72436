// The promises of the types: a result has the type of `out`, or that of x, whatever it is used for. Checked by tsc, which reports an unused
// ts-expect-error; run so that the values agree with the types.

import { expect, it } from "vitest";
import { createDropout, type DropoutOptions, type Ticket, type WasmBuffer } from "../../src/core/index.js";

it("results have the type of out, or that of x", async () => {
  const dropout = await createDropout({ seed: 1 });
  const array = Float32Array.of(1, 2, 3);
  const buffer = dropout.from(Float64Array.of(1, 2, 3));

  const made: Float32Array<ArrayBuffer> = dropout.dropout(array, 0.5);
  const madeBuffer: WasmBuffer<"f64"> = dropout.dropout(buffer, 0.5, { training: true });
  const out: Float64Array<ArrayBuffer> = dropout.dropout(buffer, 0.5, { out: new Float64Array(3) });
  const perhaps: Float64Array | WasmBuffer<"f64"> = dropout.dropout(buffer, 0.5, { out: made.length > 5 ? buffer : undefined });
  const { y, ticket }: { y: Float32Array; ticket: Ticket } = dropout.forward(array, 0.5);
  const dx: WasmBuffer<"f64"> = dropout.backward(buffer, ticket, {}, { dx: buffer }).dx;
  const bits: Uint8Array<ArrayBuffer> = dropout.mask(3, 0.5);
  const multipliers: Float32Array<ArrayBuffer> = dropout.replay(ticket, { format: "f32" });
  const options: DropoutOptions<Float32Array> = { out: array };
  const same: Float32Array = dropout.dropout(array, 0.5, options);
  expect([made, out, y, bits, multipliers, same].map((a) => a.constructor.name)).toEqual([
    "Float32Array",
    "Float64Array",
    "Float32Array",
    "Uint8Array",
    "Float32Array",
    "Float32Array",
  ]);
  expect([madeBuffer.dtype, dx.dtype, perhaps.length]).toEqual(["f64", "f64", 3]);

  // @ts-expect-error the result is a Float32Array
  const wrong: Float64Array = dropout.dropout(array, 0.5);
  // @ts-expect-error the result is a Uint8Array
  const noBuffer: WasmBuffer<"bits"> = dropout.mask(10, 0.5);
  expect([wrong.constructor.name, noBuffer.constructor.name]).toEqual(["Float32Array", "Uint8Array"]);
  // @ts-expect-error out has the dtype of x
  expect(() => dropout.dropout(array, 0.5, { out: new Float64Array(3) })).toThrow(TypeError);
  // @ts-expect-error multipliers are f32
  expect(() => dropout.mask(3, 0.5, { format: "f32", out: bits })).toThrow(TypeError);
});
