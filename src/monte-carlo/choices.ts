// The options of Monte-Carlo dropout that are one of several words.

/** The rows of a batch that share a mask: "perPass", all those of a pass and layer; "perExample", none. */
export type Masks = (typeof MASKS)[number];
export const MASKS = ["perPass", "perExample"] as const;

/**
 * The outputs of a classifier: "probabilities" of classes of which one is right, "logits", of which softmax makes such probabilities, or "sigmoids",
 * probabilities of labels each of which is right or not, whatever the others are.
 */
export type ClassOutput = (typeof CLASS_OUTPUTS)[number];
export const CLASS_OUTPUTS = ["probabilities", "logits", "sigmoids"] as const;
