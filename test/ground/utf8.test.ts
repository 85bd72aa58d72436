// UTF-8 by hand, against the engine's own encoder.

import { expect, it } from "vitest";
import { utf8Of } from "../../src/ground/utf8.js";

it.each(["", "a layer", "\0\x7f\x80", "\u07ff\u0800\uffff", "Größe 层 🎲", "\ud800", "\udfff\ud800x", "\u{10ffff}"])(
  "is as TextEncoder's: %j",
  (text) => {
    expect(utf8Of(text)).toEqual([...new TextEncoder().encode(text)]);
  },
);
