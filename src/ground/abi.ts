// The layout of the records that TypeScript and the kernels share in wasm memory. Both compilers read this file, tsc and AssemblyScript's, so it has
// nothing but constants of whole numbers and enums.

/** Consecutive elements that a stream decides together. */
export const STEP = 16;
/** Elements of a tile, which one seeding of the kind "tile" serves. */
export const TILE = 4096;

/** Bytes of the parameter record: seed, stream, start and threshold of 64 bits each, and the scale in f64, padded to 16. */
export const PARAMS_RECORD = 48;
/** Offset in the workspace, behind the record, of the words that decide a tie. The state of the lanes of two tiles lies in front of them. */
export const TIE_BLOCK = 128;
/** Offset in the workspace of the notes of steps with ties. */
export const NOTES = 256;
/** Bytes of a note. */
export const NOTE_BYTES = 32;
/** Bytes of the parameter record and its workspace, with a note for each step of two tiles. */
export const PARAMS_BYTES = PARAMS_RECORD + NOTES + ((2 * TILE) / STEP) * NOTE_BYTES;

/** Fields of the record of a walk over an array with a broadcast mask, an f64 each. */
export enum WalkField {
  /** Elements of a run. */
  run,
  /** 1 where each element of a run has its own decision, 0 where the run has one. */
  each,
  /** Number of levels, at least 1. */
  levels,
  /** Elements of the current run that are done. */
  at,
  /** Index in the mask of the first decision of the current run. */
  bit,
  pad,
  fields,
}
/** Bytes behind the fields of a walk for the constants of a run. */
export const WALK_CONSTANTS = 64;
/** Elements whose decisions a walk gathers at once. */
export const WALK_GATHERED = 512;
/** Bytes in front of the levels of a walk: the fields, the constants, and the gathered decisions with a word behind them. */
export const WALK_LEVELS = WalkField.fields * 8 + WALK_CONSTANTS + WALK_GATHERED / 8 + 8;

/** Fields of a level of a walk, an f64 each. */
export enum LevelField {
  size,
  /** Stride of the mask, in bits; 0 where it is broadcast. */
  step,
  /** The current index. */
  at,
  fields,
}

/** Fields of the record of a walk over an array with broadcast random integers and rates, an f64 each. The levels follow. */
export enum RatesField {
  /** Elements of a run. */
  run,
  /** 1 where each element of a run has its own integer, 0 where the run has one. */
  eachInteger,
  eachRate,
  /** Number of levels. */
  levels,
  /** Elements of the current run that are done. */
  at,
  /** Indices of the integer and of the rate of the next element. */
  integer,
  rate,
  fields,
}

/** Fields of a level of such a walk, an f64 each. */
export enum RatesLevelField {
  size,
  /** Strides of the integers and of the rates; 0 where they are broadcast. */
  integers,
  rates,
  /** The current index. */
  at,
  fields,
}

/** Fields of a rate, an f64 each. */
export enum RateField {
  threshold,
  a,
  b,
  dropped,
  fields,
}

/** Bits that say what data and mask of DropBlock look like. */
export enum BlockForm {
  /** Each sample has a mask of its own. */
  ownSamples = 1,
  /** Each channel has a mask of its own. */
  ownChannels = 2,
  /** The channels are the last dimension. */
  channelsLast = 4,
}

/** Elements of a block that is taken in passes. */
export const PASS_BLOCK = 128;
/** Bytes of the record in front of the bias of elementwise kernels: a place, a table of constants, and three f32 for each element of a block. */
export const BIAS_RECORD = 16 + 512 + PASS_BLOCK * 12;

// Records of the kernels on whole rows: an f64 for each field, addresses in bytes. The workspace of the kernel follows.

/** Fields of the record of norms, over elements of f32 or of f64. */
export enum NormField {
  y,
  h,
  /** Means of the rows, an element each; 0: not wanted. */
  means,
  /** Reciprocals of the rows' standard deviations or root mean squares, an element each. */
  rstds,
  x,
  residual,
  /** Bytes from a row of the residual to the next: 0 where all have one row of -0, which adds nothing. */
  residualStep,
  /** 0: no bias. */
  bias,
  gamma,
  beta,
  /** A byte for each element, 1 = keep, 0 = drop; address 0: all are kept. */
  keep,
  rows,
  columns,
  epsilon,
  scale,
  /** 1: layer norm, 0: RMS norm. */
  centred,
  /** The factors of the kept elements of each row, an element each; 0: the scale. With them there are `bias`, `layerScale` and `all`. */
  factors,
  layerScale,
  /** A byte for each row, 0 where the branch is left out; address 0: nowhere. */
  paths,
  /** `columns` bytes of 1, behind them as many of 0, and in front of them as many elements of 1. */
  all,
  /** The second branch, and its decisions; 0: none. */
  parallel,
  parallelKeep,
}

/** Fields of the record of the gradient of norms. */
export enum NormGradientField {
  dx,
  dresidual,
  /** Sums of the columns, an f64 each, to which the kernel adds. */
  dgamma,
  dbeta,
  dy,
  h,
  /** 0: RMS norm. */
  means,
  rstds,
  gamma,
  /** 0: no gradient from the residual stream. */
  dh,
  keep,
  rows,
  columns,
  scale,
  /** As those of norms. */
  factors,
  layerScale,
  paths,
  all,
  parallelKeep,
  /** 0: not wanted. */
  dparallel,
  /** Sums as dgamma's, and what they are of; 0: not wanted. */
  dlayerScale,
  x,
  bias,
}

/** Fields of the record of softmax and of its gradient. */
export enum SoftmaxField {
  /** y, or the gradient with respect to the logits. */
  result,
  logits,
  /** The additive mask; 0: none. */
  mask,
  keep,
  rows,
  columns,
  /** Index of the mask's row for the first row, and number of the mask's rows. */
  maskRow,
  maskRows,
  /** Index of the first row among the queries, and number of queries; 0: not causal. */
  query,
  queries,
  logitScale,
  scale,
  /** Of the gradient only: the gradient with respect to y, and room for a row. */
  dy,
  row,
  /** Room for the probabilities before dropout; 0: not wanted. */
  probabilities,
}

/** Fields of the record of gated linear units and of their gradients. */
export enum GateField {
  /** y, or the gradient with respect to the gate. */
  result,
  /** Of the gradient only: that with respect to the value, and that with respect to y. */
  second,
  dy,
  gate,
  value,
  keep,
  rows,
  columns,
  scale,
  /** Bytes from a row of the gate, or of the value, to the next. */
  gateStep,
  /** The same of results. */
  resultStep,
}
/** Bytes of the table of constants behind a record of GateField. */
export const GATE_TABLE = 512;

/** Fields of the longest of these records, and one, so that a multiple of 16 bytes follows. */
export const ROW_FIELDS = 24;
/** Bytes of the parts of one sum over a row. */
export const PARTS = 64;
/** Bytes of the workspace behind a record: the parts of two sums, and six constants of f32, padded to 16. */
export const ROW_WORKSPACE = 2 * PARTS + 32;
/** Bytes of a record with its workspace. */
export const ROW_RECORD = ROW_FIELDS * 8 + ROW_WORKSPACE;
/** Bytes of what a record of SoftmaxField has behind that: the constants of powers, padded to 16, and the exponents of 1,024 columns. */
export const POWER_TABLE = 48;
export const EXPONENTS = 4096;
export const SOFTMAX_RECORD = ROW_RECORD + POWER_TABLE + EXPONENTS;
/** Bytes of a record of GateField with its workspace: the table and a vector. */
export const GATE_RECORD = ROW_FIELDS * 8 + GATE_TABLE + 16;

/** Queries that attention takes at once, one a lane. Keys and queries make tiles of [keys, PANEL] scores; queries are packed in panels of [depth, PANEL]. */
export const PANEL = 8;

/**
 * Fields of the record of attention and of its gradient, for a block of queries and a block of keys. Matrices are in row-major order and of f32, their
 * rows without gaps.
 */
export enum AttentionField {
  /** Queries, and keys, of the block. */
  rows,
  keys,
  /** Columns of q and k. */
  depth,
  /** Columns of v. */
  size,
  /** Index of the first key; 0 starts a new block of queries. */
  first,
  /** Panels of q. */
  panels,
  k,
  v,
  /** Room for the tiles: of attention for one, of its gradient for one a panel. */
  tile,
  /** Numbers of keys that the queries see, an f64 each. */
  limits,
  /** Addresses of the additive mask's rows at the first key, an f64 each; 0: there is none. */
  added,
  /** Addresses of the boolean mask's rows at the first key; 0: there is none. */
  flags,
  /** Decisions, a bit each; 0: all are kept. */
  keep,
  /** Index among these of the first query's first key, and distance from one query to the next. */
  keepAt,
  keepStride,
  logitScale,
  scale,
  /** Of attention: sums over the keys so far, [rows, size], of whole panels. */
  out,
  /** Largest scores so far, an f32 each; sums of powers, an f64 each; flags of queries with a kept key, 4 bytes each: of whole panels. */
  most,
  sums,
  live,
  /** Results: y, and log-sum-exps of f32. */
  y,
  logSumExp,
  /** Of the gradient: panels of dy; room for the second tiles. */
  dyPanels,
  slopes,
  q,
  dy,
  /** Log-sum-exps, and sums of dy * y, an f32 each, of whole panels. */
  lse,
  delta,
  /** Gradients that the kernel adds to; 0: not wanted. */
  dq,
  dk,
  dv,
  fields,
}

/** The most keys of a block of attention. */
export const ATTENTION_KEYS = 512;
/** Bytes of a record of attention: the fields, again as words, two tables of a bit for each score of a tile, and a small tile. */
export const ATTENTION_RECORD = AttentionField.fields * 12 + 2 * ATTENTION_KEYS + 256;
