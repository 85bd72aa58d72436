// Draws from the Gaussian that moment matching puts in place of a unit's input, and the sum of their activations:
// Wan et al., "Regularization of neural networks using DropConnect", ICML 2013, algorithm 2.
// Invariant: one draw a call, so that a unit's sum runs over samples in the order of the calls.

/** The draw itself. */
@unmanaged
export class Identity {
  @inline vector<_T>(z: v128): v128 {
    return z;
  }

  @inline one<T>(z: T): T {
    return z;
  }
}

/** z where it is not below 0, else 0; a NaN stays. */
@unmanaged
export class Relu {
  @inline vector<T>(z: v128): v128 {
    return v128.pmax<T>(z, i32x4.splat(0));
  }

  @inline one<T>(z: T): T {
    return z < <T>0 ? <T>0 : z;
  }
}

/** sum[i] += A(mean[i] + sqrt(variance[i]) * normals[i]). */
export function sample<T, A>(sum: usize, mean: usize, variance: usize, normals: usize, n: usize): void {
  const activation = changetype<A>(0);
  let at: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; at + 16 <= n * sizeof<T>(); at += 16) {
      const noise = v128.mul<T>(v128.sqrt<T>(v128.load(variance + at)), v128.load(normals + at));
      const z = v128.add<T>(v128.load(mean + at), noise);
      v128.store(sum + at, v128.add<T>(v128.load(sum + at), activation.vector<T>(z)));
    }
  }
  for (; at < n * sizeof<T>(); at += sizeof<T>()) {
    const z = load<T>(mean + at) + sqrt<T>(load<T>(variance + at)) * load<T>(normals + at);
    store<T>(sum + at, load<T>(sum + at) + activation.one<T>(z));
  }
}
