// Arrays that backward reads again are never overwritten unasked; empty data; options and tickets that change or call the instance while they are read.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { ACTIVATIONS, createFused, type Fused } from "../../src/fused/index.js";
import { expectSame } from "../support/oracle.js";
import { thrownBy } from "../support/refusals.js";
import { ACTIVATION, derivative } from "./oracle.js";
import { numbers } from "./rows-oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;

let dropout: Dropout;
let fused: Fused;

beforeAll(async () => {
  dropout = await createDropout({ seed: 42 });
  fused = await createFused(dropout);
});

const one = (n: number) => new Float32Array(n).fill(1);
const CURVED = ACTIVATIONS.filter((name) => name !== "none");

/** Expects a refusal that names `name` and leaves `array` and the sequence as they are. */
function expectKept(act: () => unknown, name: string, array: Float32Array): void {
  const [values, { state }] = [array.slice(), dropout];
  const error = thrownBy(act);
  expect(error).toBeInstanceOf(RangeError);
  expect((error as Error).message.startsWith(`"${name}" expected memory apart from`), (error as Error).message).toBe(true);
  expect(array).toEqual(values);
  expect(dropout.state).toEqual(state);
}

describe("results in the place of operands", () => {
  it.each(CURVED)("%s: y over x is refused while a backward call may follow", (activation) => {
    const x = Float32Array.of(1, -1, 0.5, 2);
    for (const data of [x, dropout.from(x)]) {
      const array = data instanceof Float32Array ? data : data.array;
      const other = data instanceof Float32Array ? new Float32Array(data.buffer) : data.array;
      for (const out of [data, other]) {
        expectKept(() => fused.biasActivationDropout(data, 0.5, { activation, out: out as Anything }), "out", array);
        expectKept(
          () => fused.biasActivationDropout(data, 0.5, { activation, backward: true, training: false, out: out as Anything }),
          "out",
          array,
        );
      }
    }
    const { ticket } = fused.biasActivationDropout(x, 0.5, { activation, stream: 0 });
    const { dx } = fused.backward(one(4), ticket, { x });
    const keep = dropout.replay(ticket, { format: "bytes" });
    dx.forEach((v, i) => {
      expect(Math.abs(v - (keep[i] ? 2 * derivative(activation, x[i] as number) : 0))).toBeLessThan(1e-4);
    });
  });

  it("the gradient of gelu is that at x", () => {
    const x = Float32Array.of(1, -1, 0.5, 2);
    const slopes = [2.16663, -0.16663, 1.73499, 2.17046];
    for (let stream = 0; stream < 8; ++stream) {
      const { ticket } = fused.biasActivationDropout(x, 0.5, { activation: "gelu", stream });
      const keep = dropout.replay(ticket, { format: "bytes" });
      fused.backward(one(4), ticket, { x }).dx.forEach((v, i) => {
        expect(Math.abs(v - (keep[i] ? (slopes[i] as number) : 0))).toBeLessThan(2e-5);
      });
    }
  });

  it.each([{ backward: false }, { training: false }, { training: false, backward: false }])(
    "is allowed with %j, and backward refuses the ticket",
    (how) => {
      const x = numbers(40, 1, 3);
      for (const activation of CURVED) {
        const expected = fused.biasActivationDropout(x, 0.5, { ...how, activation, stream: 2 });
        expect(expected.ticket).not.toHaveProperty("overwritten");
        const data = x.slice();
        const { y, ticket } = fused.biasActivationDropout(data, 0.5, { ...how, activation, stream: 2, out: data });
        expect(y).toBe(data);
        expectSame(y, expected.y, activation);
        expect(() => fused.backward(one(40), JSON.parse(JSON.stringify(ticket)), { x: data })).toThrow(
          /^"ticket" expected ticket of a call that left/,
        );
        expect(dropout.replay(ticket)).toEqual(dropout.replay(expected.ticket));
        expect(fused.backward(one(40), expected.ticket, { x }).dx.length).toBe(40);
      }
      const shape = [4, 10];
      const expected = fused.softmaxDropout(x, 0.5, { ...how, shape, stream: 2 });
      const data = x.slice();
      const { y, ticket } = fused.softmaxDropout(data, 0.5, { ...how, shape, stream: 2, out: data });
      expectSame(y, expected.y, "softmax");
      expect(() => fused.backward(one(40), ticket, { logits: data })).toThrow(/^"ticket" expected ticket of a call that left/);
    },
  );

  it("y over the logits is refused while a backward call may follow", () => {
    const logits = numbers(12, 1);
    expectKept(() => fused.softmaxDropout(logits, 0.5, { shape: [3, 4], out: logits }), "out", logits);
    const attentionMask = numbers(12, 2);
    expectKept(
      () => fused.softmaxDropout(logits, 0.5, { shape: [3, 4], attentionMask, backward: false, out: attentionMask }),
      "out",
      attentionMask,
    );
  });

  it("without an activation, and with a residual, backward reads nothing again", () => {
    const x = numbers(12, 1);
    const { y, ticket } = fused.biasActivationDropout(x.slice(), 0.5, { stream: 1 });
    const data = x.slice();
    const got = fused.biasActivationDropout(data, 0.5, { stream: 1, out: data });
    expectSame(got.y, y, "y");
    expect(got.ticket).toEqual(ticket);
    expectSame(fused.backward(x, got.ticket).dx, fused.backward(x, ticket).dx, "dx");
    expect(fused.biasDropoutResidual(data, 0.5, { residual: x, out: data }).y).toBe(data);
  });

  it("gradients take the place of saved arrays only where no other backward call reads them", () => {
    const [x, dy] = [numbers(12, 1), numbers(12, 2)];
    const acted = fused.biasActivationDropout(x, 0.5, { activation: "silu", stream: 1 });
    expectKept(() => fused.backward(dy, acted.ticket, { x }, { dx: x }), "dx", x);
    const { dx } = fused.backward(dy, acted.ticket, { x });
    const again = x.slice();
    expectSame(fused.backward(dy, acted.ticket, { x: again }, { dx: again, backward: false }).dx, dx, "dx");
    expect(again).toEqual(dx);

    const soft = fused.softmaxDropout(x, 0.5, { shape: [3, 4], stream: 1 });
    expectKept(() => fused.backward(dy, soft.ticket, { logits: x }, { dlogits: x }), "dlogits", x);

    const gamma = one(4);
    const { h, mean, rstd, ticket } = fused.dropoutResidualLayerNorm(x, 0.5, { residual: dy, gamma, beta: gamma, stream: 1 });
    const saved = { h, mean, rstd, gamma };
    for (const name of ["dx", "dresidual"]) expectKept(() => fused.backward(dy, ticket, saved, { [name]: h } as Anything), name, h);
    for (const name of ["dgamma", "dbeta"]) {
      for (const [array, allowed] of [
        [gamma, {}],
        [gamma, { backward: false }],
      ] as const) {
        expectKept(() => fused.backward(dy, ticket, saved, { ...allowed, [name]: array } as Anything), name, array);
      }
    }
    const expected = fused.backward(dy, ticket, saved);
    const last = fused.backward(dy, ticket, { ...saved, h: h.slice() }, { backward: false });
    expectSame(last.dresidual as Float32Array, expected.dresidual as Float32Array, "dresidual");
    const spare = h.slice();
    expectSame(fused.backward(dy, ticket, { ...saved, h: spare }, { backward: false, dresidual: spare }).dx, expected.dx, "dx");
    expectSame(spare, expected.dresidual as Float32Array, "dresidual over h");
  });

  it("statistics of a layer norm lie apart from each other and from what is read", () => {
    const [x, residual, gamma] = [numbers(9, 1), numbers(9, 2), numbers(3, 3)];
    const three = new Float32Array(3);
    const norm = (options: object) => fused.dropoutResidualLayerNorm(x, 0.5, { residual, gamma, beta: gamma, ...options });
    expectKept(() => norm({ mean: three, rstd: three }), "rstd", three);
    expectKept(() => norm({ mean: gamma }), "mean", gamma);
    expectKept(() => norm({ out: residual, h: residual }), "h", residual);
    expectKept(() => norm({ rstd: x.subarray(0, 3) }), "rstd", x);
  });

  it("dresidual is a copy of dy, also where dx takes its place", () => {
    const dy = numbers(12, 2);
    const { ticket } = fused.biasDropoutResidual(numbers(12, 1), 0.5, { residual: dy, stream: 1 });
    const { dx } = fused.backward(dy, ticket);
    for (const put of [(a: Float32Array): Anything => a.slice(), (a: Float32Array): Anything => dropout.from(a)]) {
      const data = put(dy);
      const got: Anything = fused.backward(data, ticket, {}, { dx: data });
      expectSame((got.dx.array ?? got.dx).slice(), dx, "dx");
      expectSame((got.dresidual.array ?? got.dresidual).slice(), dy, "dresidual");
      const [own, kept] = [put(dy), put(dy)];
      const named: Anything = fused.backward(own, ticket, {}, { dresidual: kept });
      expect(named.dresidual).toBe(kept);
      const same: Anything = fused.backward(own, ticket, {}, { dresidual: own });
      expect(same.dresidual).toBe(own);
      expectSame((same.dx.array ?? same.dx).slice(), dx, "dx");
      expect(() => fused.backward(own, ticket, {}, { dx: own, dresidual: own })).toThrow(RangeError);
      expect(fused.backward(own, ticket, {}, { dresidual: false }).dresidual).toBeUndefined();
    }
  });
});

it("gradients that are not wanted are undefined, and the others the same", () => {
  const [x, residual, dy, gamma, bias] = [numbers(600, 1), numbers(600, 2), numbers(600, 3), numbers(30, 4), numbers(30, 5)];
  const { h, mean, rstd, ticket } = fused.dropoutResidualLayerNorm(x, 0.3, { residual, gamma, beta: bias, bias, stream: 1 });
  const saved = { h, mean, rstd, gamma };
  const all: Anything = fused.backward(dy, ticket, saved);
  for (const unwanted of [["dresidual"], ["dgamma"], ["dbeta"], ["dbias"], ["dresidual", "dgamma", "dbeta", "dbias"]]) {
    const some: Anything = fused.backward(dy, ticket, saved, Object.fromEntries(unwanted.map((name) => [name, false])) as Anything);
    for (const name of Object.keys(all)) {
      if (unwanted.includes(name)) expect(some[name]).toBeUndefined();
      else expectSame(some[name], all[name], name);
    }
  }
  expect(() => fused.backward(dy, ticket, saved, { dx: false } as Anything)).toThrow('"dx" expected Float32Array or f32 buffer, got false');
  const added = fused.biasDropoutResidual(x, 0.3, { residual, bias, stream: 1 }).ticket;
  expectSame(fused.backward(dy, added, {}, { dbias: false }).dx, fused.backward(dy, added).dx, "dx");
  expect(fused.backward(dy, added, {}, { dbias: false }).dbias).toBeUndefined();
});

it("an array for a gradient that there is none of is refused", () => {
  const x = numbers(6, 1);
  const { ticket } = fused.biasDropoutResidual(x, 0.5, {});
  const none = (of: string) => `expected undefined, as the forward call had no ${of}, got Float32Array(6)`;
  expect(() => fused.backward(x, ticket, {}, { dbias: x.slice() })).toThrow(`"dbias" ${none("bias")}`);
  expect(() => fused.backward(x, ticket, {}, { dresidual: x.slice() })).toThrow(`"dresidual" ${none("residual")}`);
});

describe("bias and dropout without a residual", () => {
  it.each([Float32Array, Float64Array])("in %o, forward and back", (Type) => {
    const x = Type.from(numbers(1000, 1, 3)) as Float32Array<ArrayBuffer>;
    const bias = Type.from(numbers(10, 2)) as Float32Array<ArrayBuffer>;
    const sum = x.map((v, i) => v + (bias[i % 10] as number));
    for (const p of [0, 0.3, 1]) {
      for (const kind of ["tile", "philox"] as const) {
        const { y, ticket } = fused.biasDropoutResidual(x, p, { bias, stream: 7, kind });
        expectSame(y, dropout.dropout(sum, p, { stream: 7, kind }), "y");
        const { dx, dbias, dresidual } = fused.backward(x, JSON.parse(JSON.stringify(ticket)) as typeof ticket);
        expectSame(dx, dropout.dropout(x, p, { stream: 7, kind }), "dx");
        expect((dbias as Float32Array).length).toBe(10);
        expect(dresidual).toBeUndefined();
        const data = x.slice();
        expectSame(fused.biasDropoutResidual(data, p, { bias, stream: 7, kind, out: data }).y, y, "in place");
      }
    }
  });
});

describe("empty data", () => {
  const none = new Float32Array(0);

  it("give empty results and zero gradients of parameters, and use a stream number in training only", () => {
    const gamma = one(3);
    const forwards = [
      (o: object) => fused.biasDropoutResidual(none, 0.5, { residual: none, bias: gamma, ...o }),
      (o: object) => fused.biasDropoutResidual(none, 0.5, { bias: gamma, ...o }),
      (o: object) => fused.biasActivationDropout(none, 0.5, { bias: gamma, activation: "gelu", ...o }),
      (o: object) => fused.dropoutResidualLayerNorm(none, 0.5, { residual: none, gamma, beta: gamma, bias: gamma, ...o }),
      (o: object) => fused.softmaxDropout(none, 0.5, { shape: [0, 2, 3], ...o }),
      (o: object) => fused.softmaxDropout(none, 0.5, { shape: [2, 0, 3], causal: true, ...o }),
      (o: object) => fused.softmaxDropout(none, 0.5, { shape: [2, 2, 0], causal: true, ...o }),
      (o: object) => fused.softmaxDropout(none, 0.5, { shape: [0, 2, 3], attentionMask: none, maskShape: [0, 1, 3], keyLengths: [], ...o }),
      (o: object) => fused.softmaxDropout(none, 0.5, { shape: [0, 2, 3], attentionMask: one(3), maskShape: [3], ...o }),
      (o: object) => fused.softmaxDropout(none, 0.5, { shape: [2, 2, 0], attentionMask: new Uint8Array(0), keyLengths: [0, 0], ...o }),
    ];
    forwards.forEach((forward, k) => {
      const before = BigInt(dropout.state.nextStream);
      const { y, ticket }: Anything = forward({});
      expect(BigInt(dropout.state.nextStream), `${k}`).toBe(before + 1n);
      forward({ training: false });
      expect(BigInt(dropout.state.nextStream), `${k}`).toBe(before + 1n);
      expect(y.length).toBe(0);
      expect(ticket.length).toBe(0);
      const saved: Anything =
        ticket.op === "dropoutResidualLayerNorm"
          ? { h: none, mean: none, rstd: none, gamma }
          : ticket.op === "softmaxDropout"
            ? {
                logits: none,
                ...(ticket.maskShape
                  ? {
                      attentionMask:
                        ticket.maskKind === "boolean"
                          ? new Uint8Array(0)
                          : new Float32Array(ticket.maskShape.reduce((a: number, b: number) => a * b)),
                    }
                  : {}),
              }
            : { x: none, bias: gamma };
      const { dbias, dgamma, dbeta, ...matrices }: Anything = fused.backward(none, JSON.parse(JSON.stringify(ticket)), saved);
      for (const row of [dbias, dgamma, dbeta]) if (row !== undefined) expect(row).toEqual(new Float32Array(3));
      if (ticket.op !== "softmaxDropout") expect(dbias).toEqual(new Float32Array(3));
      for (const matrix of Object.values(matrices)) if (matrix !== undefined) expect((matrix as Float32Array).length).toBe(0);
    });
  });

  it("may have no columns either", () => {
    expect(fused.biasDropoutResidual(none, 0.5, { residual: none, bias: none }).ticket.columns).toBe(0);
    const { ticket, mean } = fused.dropoutResidualLayerNorm(none, 0.5, { residual: none, gamma: none, beta: none });
    expect(mean.length).toBe(0);
    expect(fused.backward(none, ticket, { h: none, mean: none, rstd: none, gamma: none }).dgamma.length).toBe(0);
    const { ticket: biased } = fused.biasActivationDropout(none, 0.5, { bias: none, activation: "relu" });
    expect(fused.backward(none, biased, { x: none, bias: none }).dbias).toEqual(none);
  });
});

describe("options and tickets", () => {
  it("are read once, before the draw is set up", () => {
    const logits = numbers(12, 1);
    const expected = fused.softmaxDropout(logits, 0.5, { shape: [3, 4], keyLengths: [2, 3, 4], stream: 9 });
    const meddling = <T>(value: T) => {
      let reads = 0;
      return () => {
        if (++reads > 1) throw new Error("read twice");
        dropout.dropout(one(100), 0.9, { stream: 1 });
        return value;
      };
    };
    const items = (values: readonly number[]) =>
      Object.defineProperties([...values], Object.fromEntries(values.map((value, k) => [k, { get: meddling(value), enumerable: true }])));
    const options = (values: Record<string, unknown>): Anything =>
      Object.defineProperties(
        {},
        Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { get: meddling(value), enumerable: true }])),
      );
    const got = fused.softmaxDropout(logits, 0.5, options({ shape: items([3, 4]), keyLengths: items([2, 3, 4]), stream: 9 }));
    expectSame(got.y, expected.y, "y");
    expect(got.ticket).toEqual(expected.ticket);
    const ticket = options({ ...expected.ticket, shape: items([3, 4]), keyLengths: items([2, 3, 4]) });
    const back = fused.backward(logits, ticket, options({ logits }), options({}));
    expectSame((back as Anything).dlogits, fused.backward(logits, expected.ticket, { logits }).dlogits, "dlogits");
    const [x, bias] = [numbers(12, 1), numbers(4, 2)];
    const acted = fused.biasActivationDropout(x, 0.5, { bias, activation: "silu", stream: 9 });
    expectSame(fused.biasActivationDropout(x, 0.5, options({ bias, activation: "silu", stream: 9 })).y, acted.y, "silu");
    const gradient: Anything = fused.backward(x, options({ ...acted.ticket }), options({ x, bias }));
    expectSame(gradient.dx, fused.backward(x, acted.ticket, { x, bias }).dx, "dx");
    const norm = { residual: x, gamma: bias, beta: bias, stream: 9 };
    expectSame(fused.dropoutResidualLayerNorm(x, 0.5, options(norm)).y, fused.dropoutResidualLayerNorm(x, 0.5, norm).y, "layer norm");
  });

  it("whose items change between reads are used as they were read first", () => {
    let value = 8;
    const shape = [0, 2];
    Object.defineProperty(shape, 0, {
      get: () => {
        value = -value;
        return -value;
      },
    });
    const { ticket } = fused.softmaxDropout(new Float32Array(16), 0.5, { shape });
    expect(ticket.shape).toEqual([8, 2]);
    value = 8;
    expect(fused.backward(new Float32Array(16), { ...ticket, shape }, { logits: new Float32Array(16) }).dlogits.length).toBe(16);
  });

  it("of other operations are refused by name", () => {
    const x = one(4);
    const { ticket } = dropout.forward(x, 0.5);
    expect(() => fused.backward(x, ticket as Anything)).toThrow(
      /^"ticket.op" expected .*, got "dropout", whose backward is that of Dropout$/,
    );
    const forward = fused.biasDropoutResidual(x, 0.5, { residual: x });
    expect(() => dropout.backward(x, forward.ticket as Anything)).toThrow(/whose backward is that of Fused$/);
    expect(() => fused.backward(x, forward as Anything)).toThrow(/pass the \.ticket of the forward call's result/);
    expect(() => fused.biasDropoutResidual(x, 0.5, { residaul: x } as Anything)).toThrow(
      '"residaul" is no option; did you mean "residual"?',
    );
    expect(() => fused.backward(x, forward.ticket, {}, { out: x } as Anything)).toThrow(/^"out" is no option/);
    expect(() => fused.backward(x, forward.ticket, { y: x } as Anything)).toThrow(/^"saved.y" is no option/);
  });
});

it("an activation at every size has the value that its formula has", () => {
  const x = Float32Array.of(-3, -1, -0, 0, 0.5, 2);
  for (const activation of ACTIVATIONS) {
    fused.biasActivationDropout(x, 0, { activation }).y.forEach((v, i) => {
      expect(Math.abs(v - ACTIVATION[activation](x[i] as number))).toBeLessThan(1e-6);
    });
  }
});
