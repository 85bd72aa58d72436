// A decoder of characters (Vaswani et al. 2017; norms in front of each part, as GPT-2 has them) over the fused operations of wasm-dropout/tfjs: dropout of
// attention's probabilities, of what goes back into the residual stream, and within the feed-forward part.

import {
  add,
  logSoftmax,
  matMul,
  mean,
  mul,
  neg,
  oneHot,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  tensor,
  transpose,
  type Variable,
  variable,
} from "@tensorflow/tfjs-core";
import type { TfjsDropout } from "wasm-dropout/tfjs";
import type { Batch } from "./text.js";

/** The form of a network. */
export interface Form {
  readonly characters: number;
  /** Characters of a window. */
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly blocks: number;
}

type Numbers = (count: number, stddev: number, stream: number) => Float32Array;

export class Decoder {
  readonly form: Form;
  readonly #wd: TfjsDropout;
  readonly #weights = new Map<string, Variable>();

  /** @param numbers gives the initial weights */
  constructor(form: Form, wd: TfjsDropout, numbers: Numbers) {
    this.form = form;
    this.#wd = wd;
    const { characters, length, width, blocks } = form;
    const make = (name: string, shape: number[], stddev: number | "ones" | "zeros") => {
      const count = shape.reduce((product, size) => product * size, 1);
      const values =
        typeof stddev === "number" ? numbers(count, stddev, this.#weights.size) : new Float32Array(count).fill(stddev === "ones" ? 1 : 0);
      this.#weights.set(name, variable(tensor(values, shape)));
    };
    make("embedding", [characters, width], 0.05);
    make("position", [length, width], 0.05);
    for (let block = 0; block <= blocks; ++block) {
      make(`${block} gamma 1`, [width], "ones");
      make(`${block} beta 1`, [width], "zeros");
      if (block === blocks) break;
      const stddev = Math.sqrt(1 / width);
      for (const name of ["q", "k", "v"]) make(`${block} ${name}`, [width, width], stddev);
      make(`${block} mix`, [width, width], stddev / Math.sqrt(2 * blocks));
      make(`${block} mix bias`, [width], "zeros");
      make(`${block} gamma 2`, [width], "ones");
      make(`${block} beta 2`, [width], "zeros");
      make(`${block} wide`, [width, 4 * width], stddev);
      make(`${block} wide bias`, [4 * width], "zeros");
      make(`${block} narrow`, [4 * width, width], stddev / Math.sqrt(8 * blocks));
      make(`${block} narrow bias`, [width], "zeros");
    }
    make("out", [width, characters], 0.02);
  }

  get weights(): Variable[] {
    return [...this.#weights.values()];
  }

  /** Mean negative log-likelihood of the characters that follow, in nats; nothing is dropped at a rate of 0. */
  loss({ inputs, targets }: Batch, rate: number): Scalar {
    const right = sum(
      mul(oneHot(tensor(targets, [targets.length], "int32"), this.form.characters), logSoftmax(this.scores(inputs, rate))),
      -1,
    );
    return neg(mean(right)) as Scalar;
  }

  /** Logits of the character that follows each of `inputs`, [inputs, characters]; nothing is dropped at a rate of 0. */
  scores(inputs: Int32Array, rate: number): Tensor {
    return matMul(reshape(this.#states(inputs, rate), [-1, this.form.width]), this.#at("out"));
  }

  #at(name: string): Variable {
    return this.#weights.get(name) as Variable;
  }

  /** The last norm's result, [windows, length, width]. */
  #states(inputs: Int32Array, rate: number): Tensor {
    const { fused } = this.#wd;
    const { characters, length, width, heads, blocks } = this.form;
    const windows = inputs.length / length;
    const flat = [windows * length, width];
    const at = (block: number, name: string) => this.#at(`${block} ${name}`);
    // As a product: the wasm backend has no gradient of gather().
    const embedded = matMul(oneHot(tensor(inputs, [inputs.length], "int32"), characters), this.#at("embedding"));
    const places = reshape(add(reshape(embedded, [windows, length, width]), this.#at("position")), flat);
    let { y, h } = fused.dropoutResidualLayerNorm(places, rate, { gamma: at(0, "gamma 1"), beta: at(0, "beta 1") });
    for (let block = 0; block < blocks; ++block) {
      const [q, k, v] = ["q", "k", "v"].map((name) =>
        transpose(reshape(matMul(y, at(block, name)), [windows, length, heads, width / heads]), [0, 2, 1, 3]),
      ) as [Tensor, Tensor, Tensor];
      const attended = reshape(transpose(fused.attention(q, k, v, rate, { causal: true }), [0, 2, 1, 3]), flat);
      const join = (x: Tensor, bias: string, next: number, norm: number) =>
        fused.dropoutResidualLayerNorm(x, rate, {
          ...{ residual: h, bias: at(block, bias), gamma: at(next, `gamma ${norm}`), beta: at(next, `beta ${norm}`) },
        });
      ({ y, h } = join(matMul(attended, at(block, "mix")), "mix bias", block, 2));
      const inner = fused.biasActivationDropout(matMul(y, at(block, "wide")), rate, {
        bias: at(block, "wide bias"),
        activation: "geluTanh",
      });
      ({ y, h } = join(matMul(inner, at(block, "narrow")), "narrow bias", block + 1, 1));
    }
    return y;
  }
}
