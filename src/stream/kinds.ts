// The kinds of keep streams: docs/keep-streams.md.

/** Ways of deciding which elements are kept: docs/keep-streams.md. */
export type StreamKind = (typeof STREAM_KINDS)[number];
export const STREAM_KINDS = ["tile", "philox"] as const;
