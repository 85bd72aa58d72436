// Calibration as data, against values by hand and plain formulas.

import { describe, expect, it } from "vitest";
import { calibration } from "../../src/monte-carlo/index.js";

describe("calibration", () => {
  it("by hand: four examples of two classes in two bins", () => {
    // Confidences 0.9 (right), 0.6 (wrong), 0.8 (right), 0.5 (right, the first of equals).
    const probabilities = [0.9, 0.1, 0.6, 0.4, 0.2, 0.8, 0.5, 0.5];
    const got = calibration(probabilities, [0, 1, 1, 0], { classes: 2, bins: 2 });
    expect(got.accuracy).toBe(0.75);
    expect(got.bins.map(({ lower, upper, count }) => [lower, upper, count])).toEqual([
      [0, 0.5, 1],
      [0.5, 1, 3],
    ]);
    const [low, high] = got.bins as [(typeof got.bins)[number], (typeof got.bins)[number]];
    expect([low.confidence, low.accuracy]).toEqual([0.5, 1]);
    expect(high.confidence).toBeCloseTo(2.3 / 3, 15);
    expect(high.accuracy).toBeCloseTo(2 / 3, 15);
    expect(got.expectedCalibrationError).toBeCloseTo(0.25 * 0.5 + 0.75 * 0.1, 15);
    expect(got.maximumCalibrationError).toBe(0.5);
    expect(got.brier).toBeCloseTo((2 * 0.01 + 2 * 0.36 + 2 * 0.04 + 2 * 0.25) / 4, 15);
    expect(got.negativeLogLikelihood).toBeCloseTo(-(Math.log(0.9) + Math.log(0.4) + Math.log(0.8) + Math.log(0.5)) / 4, 15);
  });

  it("is perfect for what is sure and right, and infinite where the right class had no chance", () => {
    const sure = calibration(Float32Array.of(1, 0, 0, 0, 1, 0), Uint8Array.of(0, 1), { classes: 3 });
    expect(sure).toMatchObject({
      accuracy: 1,
      expectedCalibrationError: 0,
      maximumCalibrationError: 0,
      brier: 0,
      negativeLogLikelihood: 0,
    });
    expect(sure.bins.length).toBe(15);
    expect(sure.bins.map(({ count }) => count)).toEqual([...new Array<number>(14).fill(0), 2]);
    expect(sure.bins[0]).toEqual({ lower: 0, upper: 1 / 15, count: 0, confidence: Number.NaN, accuracy: Number.NaN });
    const wrong = calibration([1, 0], [1], { classes: 2 });
    expect(wrong).toMatchObject({ accuracy: 0, expectedCalibrationError: 1, brier: 2, negativeLogLikelihood: Number.POSITIVE_INFINITY });
  });

  it("has no value for no examples", () => {
    const none = calibration([], [], { classes: 2 });
    expect([none.accuracy, none.expectedCalibrationError, none.maximumCalibrationError, none.brier, none.negativeLogLikelihood]).toEqual(
      new Array(5).fill(Number.NaN),
    );
  });

  it("tends to 0 for labels drawn by the probabilities, and to their distance for those that are not", () => {
    const examples = 20_000;
    let state = 1;
    const uniform = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const probabilities = new Float64Array(2 * examples);
    const [honest, biased] = [new Uint8Array(examples), new Uint8Array(examples)];
    for (let i = 0; i < examples; ++i) {
      const p = 0.5 + 0.4 * uniform();
      probabilities.set([p, 1 - p], 2 * i);
      const u = uniform();
      honest[i] = Number(u > p);
      biased[i] = Number(u > p - 0.1);
    }
    // The error of a bin's accuracy is at most 0.5 / sqrt(count); five times that, for some 2,500 a bin.
    expect(calibration(probabilities, honest, { classes: 2 }).expectedCalibrationError).toBeLessThan(0.05);
    expect(Math.abs(calibration(probabilities, biased, { classes: 2 }).expectedCalibrationError - 0.1)).toBeLessThan(0.05);
  });

  it.each<[() => unknown, Error]>([
    [
      () => calibration([2, 5, 1], [0], { classes: 3 }),
      new RangeError('"probabilities" expected probabilities in [0, 1], got 2 for class 0 of row 0'),
    ],
    [
      () => calibration([0.5, 0.25], [0], { classes: 2 }),
      new RangeError('"probabilities" expected rows of probabilities whose sum is 1, got a sum of 0.75 in row 0'),
    ],
    [
      () => calibration([0.5, 0.5], [0, 1], { classes: 2 }),
      new RangeError('"probabilities" expected length 4, labels.length * classes = 2 * 2, got 2'),
    ],
    [() => calibration([0.5, 0.5], [2], { classes: 2 }), new RangeError('"labels[0]" expected integer in [0, 1], got 2')],
    [() => calibration([0.5, 0.5], ["0"] as never, { classes: 2 }), new TypeError('"labels[0]" expected number, got string "0"')],
    [() => calibration("11" as never, [0], { classes: 2 }), new TypeError('"probabilities" expected array of numbers, got string "11"')],
    [() => calibration([1, 0], [0], { classes: 2, bins: 0 }), new RangeError('"bins" expected integer in [1, 65536], got 0')],
    [() => calibration([1, 0], [0], { classes: 2, bin: 3 } as never), new TypeError('"bin" is no option; did you mean "bins"?')],
    [() => calibration([1, 0], [0], undefined as never), new TypeError('"options" expected object, got undefined')],
  ])("refuses %s", (call, error) => {
    expect(call).toThrow(error);
  });
});
