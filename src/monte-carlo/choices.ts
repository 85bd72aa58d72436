// The options of Monte-Carlo dropout that are one of several words.

/** Which rows of a batch share a mask: "perPass", all those of a pass and layer; "perExample", none. */
export type Masks = (typeof MASKS)[number];
export const MASKS = ["perPass", "perExample"] as const;

/** What a classifier's outputs are. */
export type ClassOutput = (typeof CLASS_OUTPUTS)[number];
export const CLASS_OUTPUTS = ["probabilities", "logits"] as const;
