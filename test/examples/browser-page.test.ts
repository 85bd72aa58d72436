// The browser example as it is served: built, under its policy, in real browsers. What it draws is read back from its canvases.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDropout, type Dropout, type StreamKind } from "wasm-dropout";
import { POLICY } from "../../examples/browser/policy.js";
import { DIGITS } from "../../examples/browser/src/digits.js";
import { Drawing, PIXELS, type Point } from "../../examples/browser/src/drawing.js";
import { checksum, keptOf } from "../../examples/browser/src/forward.js";
import { mnistDirectory, readTrainingSet } from "../../examples/mnist/idx.mjs";
import { expectAccessible } from "../support/axe.js";
import { BROWSERS, type Browser, ifInstalled, MissingBrowser, openBrowser, type Page } from "../support/browsers.js";
import { HANG_MS } from "../support/limits.js";
import { missing } from "../support/missing.js";
import { serve } from "../support/static-server.js";
import { noteTrouble } from "../support/trouble.js";

type Server = Awaited<ReturnType<typeof serve>>;

const root = fileURLToPath(new URL("../../examples/browser", import.meta.url));

// Runs in the page before its own scripts: does for the tests what a hand or an eye would.
const PROBE = `
globalThis.part = (id) => document.getElementById(id);
globalThis.enter = (id, value) => {
  part(id).value = value;
  for (const type of ["input", "change"]) part(id).dispatchEvent(new Event(type, { bubbles: true }));
};
globalThis.choose = (name, value) => document.querySelector("[name=" + name + "][value='" + value + "']").click();
globalThis.chosen = (name) => document.querySelector("[name=" + name + "]:checked").value;

// [red, green, blue, alpha] in the middle of each of the 28 x 28 cells.
globalThis.cells = (id) => {
  const { width } = part(id);
  const { data } = part(id).getContext("2d").getImageData(0, 0, width, width);
  const cell = width / 28;
  const middle = (i) => Math.floor((i + 0.5) * cell);
  return Array.from({ length: 784 }, (_, i) => {
    const at = 4 * (middle(Math.floor(i / 28)) * width + middle(i % 28));
    return [...data.subarray(at, at + 4)];
  });
};
globalThis.rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
globalThis.keeps = (id) => {
  const drop = rgb(getComputedStyle(part(id)).accentColor);
  return cells(id).map(([...cell]) => !(cell[3] === 255 && drop.every((value, i) => Math.abs(cell[i] - value) < 2)));
};
globalThis.ink = (id) => cells(id).map(([, , , alpha]) => alpha);

globalThis.point = (type, x, y, more) => {
  const { left, top, width } = part("surface").getBoundingClientRect();
  // Whole ones, as some browsers round them: what was really pointed at is returned.
  const at = { clientX: Math.round(left + (x / 28) * width), clientY: Math.round(top + (y / 28) * width) };
  part("surface").dispatchEvent(new PointerEvent(type, { bubbles: true, isPrimary: true, pointerId: 7, buttons: 1, ...at, ...more }));
  return { x: ((at.clientX - left) / width) * 28, y: ((at.clientY - top) / width) * 28 };
};
globalThis.figures = () => [...document.querySelectorAll("#results tbody tr")].map((row) => ({
  name: row.cells[0].textContent,
  numbers: [row.cells[1], row.cells[2]].map((cell) => Number(cell.textContent)),
  bar: row.querySelector(".bar").getBoundingClientRect().width,
}));

// WCAG 2.2, "relative luminance" and "contrast ratio".
const luminance = (colour) => {
  const [r, g, b] = rgb(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};
const behind = (element) => {
  const { backgroundColor } = getComputedStyle(element);
  return rgb(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
};
globalThis.tooFaint = () => {
  const shown = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility() && !element.disabled);
  const hasText = ({ childNodes }) => [...childNodes].some(({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim());
  const texts = shown.filter(hasText).map((element) => [element, getComputedStyle(element).color, behind(element), 4.5]);
  const edges = shown
    .filter((element) => element.matches("button, input:not([type]), textarea, .choice label"))
    .map((element) => [element, getComputedStyle(element).borderTopColor, behind(element.parentElement), 3]);
  const marks = shown.filter((element) => element.matches("canvas")).map((element) => [element, getComputedStyle(element).accentColor, behind(element), 3]);
  return {
    count: texts.length,
    faint: [...texts, ...edges, ...marks].filter(([, front, back, least]) => contrast(front, back) < least)
      .map(([element, front, back]) => element.outerHTML.slice(0, 80) + " " + front + " on " + back),
  };
};
`;

/** After that long without an answer, a driver is asked again: one in hundreds gets lost. */
const ANSWER_MS = 30_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The message of the package for a call that it refuses. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was not refused");
}

let directory: string;
let server: Server;
let withoutWasm: Server;
let late: Server;
let dropout: Dropout;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "wasm-dropout-page-"));
  await build({ root, configFile: join(root, "vite.config.ts"), logLevel: "error", build: { outDir: directory, emptyOutDir: true } });
  noteTrouble(directory, PROBE);
  server = await serve(directory, { headers: { "content-security-policy": POLICY } });
  late = await serve(directory, { headers: { "content-security-policy": POLICY }, styleMs: 500 });
  withoutWasm = await serve(directory, { headers: { "content-security-policy": POLICY.replace(" 'wasm-unsafe-eval'", "") } });
  dropout = await createDropout();
});

afterAll(async () => {
  await Promise.all([server?.close(), late?.close(), withoutWasm?.close()]);
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

it("the built page has the policy in itself", () => {
  const html = readFileSync(join(directory, "index.html"), "utf8").replaceAll("&#39;", "'");
  expect(html).toContain(`<meta http-equiv="content-security-policy" content="${POLICY}">`);
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)| on\w+=/);
});

it("the digits are the first of each kind in the training set", () => {
  const { images, labels } = readTrainingSet(mnistDirectory());
  expect(DIGITS.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const { label, index, pixels } of DIGITS) {
    expect(index).toBe(labels.indexOf(label));
    expect([...pixels]).toEqual(
      Array.from(images.pixels.subarray(index * PIXELS, (index + 1) * PIXELS), (grey) => Math.fround(grey / 255)),
    );
  }
});

it("a drawing as text is the same drawing", () => {
  const drawing = new Drawing();
  drawing.stroke({ x: 3.2, y: 4.1 }, { x: 25, y: 20.7 }, false);
  drawing.stroke({ x: 14, y: 0 }, { x: 14, y: 27 }, true);
  expect([...Drawing.parse(`${drawing}`).pixels]).toEqual([...drawing.pixels]);
  expect(new Set(drawing.pixels).size).toBeGreaterThan(4);
  expect(() => Drawing.parse("AAAA")).toThrow('"x" expected digit or drawing of 523 characters, got string "AAAA"');
});

// Tried twice: one run of hundreds, on a machine with more to do than it can, never heard the end of Firefox's benchmark.
describe.each(BROWSERS)("%s", { retry: 1 }, (name) => {
  let browser: Browser | MissingBrowser;
  let page: Page;
  let visits = 0;

  beforeAll(async () => {
    browser = await ifInstalled(openBrowser(name));
    if (!(browser instanceof MissingBrowser)) page = await browser.newPage();
  });
  afterAll(async () => {
    if (browser !== undefined && !(browser instanceof MissingBrowser)) await browser.close();
  });
  beforeEach((context) => {
    if (browser instanceof MissingBrowser) missing(context, name, browser.message);
  });

  /** Loads the page anew, as a query that changes makes sure. */
  async function visit(hash = "", query = "", { url } = server): Promise<void> {
    await page.goto(`${url}/index.html?visit=${visits++}${query}${hash}`);
    await until("!part('main').hidden || !part('failure').hidden");
  }

  /** Waits for a condition of the page, which is asked for again and again: a driver that loses one answer does not keep the test waiting. */
  async function until(holds: string): Promise<void> {
    const ask = (question: string) => Promise.race([page.evaluate(question), pause(ANSWER_MS)]);
    const end = performance.now() + HANG_MS;
    while (performance.now() < end) {
      if ((await ask(`return ${holds}`)) === true) return;
      await pause(10);
    }
    const state = await ask("return [part('bench-status').textContent, ...trouble]");
    throw new Error(`never ${holds}: ${state}`);
  }

  async function runToEnd(): Promise<void> {
    await page.evaluate(`part("run").click()`);
    await until("!part('run').disabled");
  }

  const quiet = async () => expect(await page.evaluate("return trouble")).toEqual([]);

  it.each<[digit: string, p: string, seed: string, kind: StreamKind]>([
    ["4", "0.3", "42", "tile"],
    ["7", "0.5", "18446744073709551615", "philox"],
    ["0", "0.0078125", "0", "tile"],
    ["9", "0", "1", "tile"],
    ["9", "1", "1", "philox"],
  ])("draws digit %s at p = %s, seed %s, %s as Node does", async (digit, p, seed, kind) => {
    const x = DIGITS[Number(digit)]?.pixels as Float32Array<ArrayBuffer>;
    const mask = new Uint8Array(PIXELS / 8);
    const y = dropout.dropout(x, Number(p), { seed: BigInt(seed), stream: 0, kind, mask });
    const kept = keptOf(mask);
    const count = dropout.countKept(mask, PIXELS);

    await visit();
    await page.evaluate(`choose("x", "${digit}"); enter("seed", "${seed}"); choose("kind", "${kind}"); enter("p", "${p}")`);
    const seen = await page.evaluate<
      Record<"mask" | "y", boolean[]> & Record<"xInk" | "yInk", number[]> & { words: string[]; range: number }
    >(
      `return { mask: keeps("mask"), y: keeps("y"), xInk: ink("x"), yInk: ink("y"), range: Number(part("p-range").value),
        words: ["dropped", "kept", "share", "checksum", "scale"].map((id) => part(id).textContent) }`,
    );
    expect(seen.mask).toEqual(kept);
    expect(seen.y).toEqual(kept);
    const level = (value: number) => Math.round(Math.min(value, 1) * 255);
    for (let i = 0; i < PIXELS; i++) {
      expect(Math.abs((seen.xInk[i] as number) - level(x[i] as number))).toBeLessThanOrEqual(1);
      if (kept[i]) expect(Math.abs((seen.yInk[i] as number) - level(y[i] as number))).toBeLessThanOrEqual(1);
    }
    const scale = p === "1" ? "Nothing is kept." : `Kept ones times ${(1 / (1 - Number(p))).toFixed(4)}; drawn clipped at full ink.`;
    expect(seen.words).toEqual([`${PIXELS - count} of 784`, `${count} of 784`, (count / PIXELS).toFixed(4), checksum(mask), scale]);
    expect(seen.range).toBeCloseTo(Number(p), 2);
    await quiet();
  });

  it("shows that masks are nested when p moves", async () => {
    await visit("#p=0.2&seed=5");
    const count = (p: number) => dropout.countKept(dropout.mask(PIXELS, p, { seed: 5, stream: 0 }), PIXELS);
    const more = count(0.2) - count(0.6);
    const summary = "return part('summary').textContent";
    expect(await page.evaluate(`enter("p-range", "0.6"); ${summary}`)).toBe(
      `${PIXELS - count(0.6)} of 784 pixels dropped. From p = 0.2 to 0.6: ${more} newly dropped, none newly kept.`,
    );
    expect(await page.evaluate(`enter("p-range", "0.2"); ${summary}`)).toBe(
      `${PIXELS - count(0.2)} of 784 pixels dropped. From p = 0.6 to 0.2: none newly dropped, ${more} newly kept.`,
    );
    expect(await page.evaluate(`part("next").click(); ${summary}; `)).toMatch(/^\d+ of 784 pixels dropped\. $/);
    expect(await page.evaluate("return part('seed').value")).toBe("6");
    await quiet();
  });

  it("its link shows the very picture again", async () => {
    await visit("#x=3&p=0.37&seed=12345678901234567890&kind=philox");
    const look = `return { x: ink("x"), mask: keeps("mask"), y: cells("y"), words: ["x", "kind"].map(chosen), seed: part("seed").value,
      p: part("p").value, link: part("link").href.split("#")[1] }`;
    const digit = await page.evaluate<{ words: string[]; seed: string; p: string }>(look);
    expect(digit).toMatchObject({ words: ["3", "philox"], seed: "12345678901234567890", p: "0.37" });
    await page.evaluate(`point("pointerdown", 3, 3); point("pointermove", 20, 25); point("pointerup", 20, 25)`);
    const drawn = await page.evaluate<{ words: string[]; link: string }>(look);
    expect(drawn.words).toEqual(["own", "philox"]);
    expect(drawn).not.toEqual(digit);
    await until("location.hash === '#' + part('link').href.split('#')[1]");
    await visit(`#${drawn.link}`);
    expect(await page.evaluate(look)).toEqual(drawn);
    await quiet();
  });

  it("is drawn in its colours where the style sheet comes late", async () => {
    await visit("#seed=42&p=0.5&kind=tile", "", late);
    expect(await page.evaluate("return keeps('mask')")).toEqual(keptOf(dropout.mask(PIXELS, 0.5, { seed: 42, stream: 0, kind: "tile" })));
    await quiet();
  });

  it("says what it does not understand, and recovers", async () => {
    await visit("#seed=42");
    const before = await page.evaluate("return part('checksum').textContent");
    const state = (id: string) =>
      page.evaluate(`return [part("${id}-error").hidden ? "" : part("${id}-error").textContent, part("${id}").getAttribute("aria-invalid"),
        part("checksum").textContent]`);
    const wrong = (text: string) => text as unknown as number;
    for (const [id, text, draw] of [
      ["seed", "forty-two", () => dropout.mask(PIXELS, 0.3, { seed: wrong("forty-two") })],
      ["seed", "18446744073709551616", () => dropout.mask(PIXELS, 0.3, { seed: 2n ** 64n })],
      ["p", "1.5", () => dropout.mask(PIXELS, 1.5)],
      ["p", "", () => dropout.mask(PIXELS, wrong(""))],
    ] as const) {
      await page.evaluate(`enter("${id}", "${text}")`);
      expect(await state(id)).toEqual([refusal(draw), "true", before]);
    }
    await page.evaluate(`enter("seed", "43")`);
    expect(await state("seed")).toEqual(["", null, checksum(dropout.mask(PIXELS, 0.3, { seed: 43, stream: 0 }))]);
    expect(await page.evaluate("return part('p-error').hidden")).toBe(true);

    await page.evaluate(`location.hash = "#kind=dice"`);
    await until("!part('link-error').hidden");
    expect(await page.evaluate("return part('link-error').textContent")).toBe('"kind" expected "tile" or "philox", got string "dice"');
    await quiet();
  });

  it("is drawn on by mouse, finger and pen", async () => {
    await visit();
    await page.evaluate(`choose("x", "own")`);
    expect(await page.evaluate("return ink('x').every((alpha) => alpha === 0)")).toBe(true);
    // Down the middle of column 10, from row 5 to row 20, by a finger; what comes after it was lifted draws nothing.
    const [from, to] = await page.evaluate<[Point, Point]>(`
      const places = [point("pointerdown", 10.5, 5.5, { pointerType: "touch" }), point("pointermove", 10.5, 20.5)];
      point("pointermove", 25, 25, { pointerId: 8 }); point("pointerup", 10.5, 20.5); point("pointermove", 25, 25);
      return places`);
    const drawing = new Drawing();
    drawing.stroke(from, from, false);
    drawing.stroke(from, to, false);
    const expected = () => Array.from(drawing.pixels, (value) => Math.round(value * 255));
    expect(await page.evaluate("return ink('x')")).toEqual(expected());
    expect(expected()[10 * 28 + 10]).toBe(255);
    // The other end of the pen.
    const end = await page.evaluate<Point>(`point("pointerdown", 10.5, 12.5, { pointerType: "pen", buttons: 32 });
      return point("pointerup", 10.5, 12.5)`);
    drawing.stroke(end, end, true);
    expect(expected()[12 * 28 + 10]).toBe(0);
    expect(await page.evaluate("return ink('x')")).toEqual(expected());
    expect(await page.evaluate("return getComputedStyle(part('surface')).touchAction")).toBe("none");
    await page.evaluate(`part("clear").click()`);
    expect(await page.evaluate("return ink('x').every((alpha) => alpha === 0)")).toBe(true);
    await quiet();
  });

  it("is drawn on and set by keyboard", async () => {
    await visit();
    await page.evaluate(`part("clear").click(); part("surface").focus()`);
    for (const key of ["ArrowRight", "ArrowDown", " ", "ArrowRight"]) await page.press(key);
    const drawing = new Drawing();
    drawing.stroke({ x: 15.5, y: 15.5 }, { x: 15.5, y: 15.5 }, false);
    const { link, place } = await page.evaluate<Record<string, string>>(
      `return { link: part("link").href, place: part("cursor").textContent }`,
    );
    expect(new URLSearchParams(new URL(link as string).hash.slice(1)).get("x")).toBe(`${drawing}`);
    expect(place).toBe("Row 16, column 17: 60 % ink.");
    await page.press("ArrowLeft");
    await page.press("Backspace");
    expect(await page.evaluate("return part('cursor').textContent")).toBe("Row 16, column 16: 0 % ink.");

    await page.evaluate(`part("p-range").focus()`);
    await page.press("ArrowRight");
    expect(await page.evaluate("return part('p').value")).toBe("0.31");
    await quiet();
  });

  it("Tab reaches every control, in order, and it shows", async () => {
    await visit();
    const controls = ["4", "p-range", "p", "surface", "eraser", "clear", "seed", "next", "tile", "link", "copy-link", "ticket", "backward"];
    const reached: string[] = [];
    for (const _ of [...controls, "copy-ticket", "run"]) {
      await page.press("Tab");
      const [id, focused, outline] = await page.evaluate<[string, boolean, string]>(`const element = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return [element.id || element.value, document.hasFocus(), outlineStyle + " " + outlineWidth]`);
      // WebKit's window has no focus, on a display without a window manager, and shows none.
      if (focused || name !== "webkit") expect([id, outline]).toEqual([id, "solid 3px"]);
      reached.push(id);
    }
    expect(reached).toEqual([...controls, "copy-ticket", "run"]);
    await page.press("Enter");
    // Running takes the focus on to what can be done next.
    expect(await page.evaluate("return document.activeElement.id")).toBe("cancel");
    await page.press("Enter");
    expect(await page.evaluate("return [document.activeElement.id, part('bench-status').textContent]")).toEqual(["run", "Cancelled."]);
    const unnamed = `return [...document.querySelectorAll("input, textarea, button, a, [tabindex]")].filter((element) =>
      !(element.labels?.length || element.ariaLabel || element.getAttribute("aria-labelledby") || element.textContent.trim())).length`;
    expect(await page.evaluate(unnamed)).toBe(0);
    await quiet();
  });

  it("passes gradients back from the text of a ticket", async () => {
    await visit("#p=0.4&seed=9");
    const kept = keptOf(dropout.mask(PIXELS, 0.4, { seed: 9, stream: 0 }));
    const drops = kept.filter((keep) => !keep).length;
    const text = await page.evaluate<string>("return part('ticket').value");
    expect(JSON.parse(text)).toEqual({ version: 1, op: "dropout", kind: "tile", seed: "9", stream: "0", start: 0, p: 0.4, length: PIXELS });
    await page.evaluate(`part("backward").click()`);
    expect(await page.evaluate("return keeps('dx')")).toEqual(kept);
    expect(await page.evaluate("return part('gradient').textContent")).toBe(
      `0 at ${drops} pixels, 1.6667 at ${PIXELS - drops}; none differ from the mask above.`,
    );
    // Another ticket, another mask; no ticket, no gradient.
    const other = keptOf(dropout.mask(PIXELS, 0.4, { seed: 10, stream: 0 }));
    const different = other.filter((keep, i) => keep !== kept[i]).length;
    await page.evaluate(`enter("ticket", ${JSON.stringify(text.replace('"9"', '"10"'))}); part("backward").click()`);
    expect(await page.evaluate("return keeps('dx')")).toEqual(other);
    expect(await page.evaluate("return part('gradient').textContent")).toContain(`; ${different} differ from`);
    await page.evaluate(`enter("ticket", ${JSON.stringify(text.replace('"tile"', '"dice"'))}); part("backward").click()`);
    expect(await page.evaluate("return part('ticket-error').textContent")).toBe(
      '"ticket.kind" expected "tile" or "philox", got string "dice"',
    );
    expect(await page.evaluate("return ink('dx').every((alpha) => alpha === 0)")).toBe(true);
    await quiet();
  });

  it("runs the benchmark to its end", async () => {
    await visit("", "&quick");
    await runToEnd();
    expect(await page.evaluate("return part('bench-status').textContent")).toMatch(/^Done\./);
    const rows = await page.evaluate<{ name: string; numbers: number[]; bar: number }[]>("return figures()");
    const contenders = ["Copy", "Dropout, SIMD", "Dropout, scalar", "Dropout, ordinary array", "Math.random loop"];
    expect(rows.map((row) => row.name)).toEqual([...contenders, ...contenders, ...contenders]);
    for (const { name, numbers, bar } of rows) {
      for (const value of [...numbers, bar]) expect([name, value > 0 && Number.isFinite(value)]).toEqual([name, true]);
      if (name === "Copy") expect(numbers[1]).toBe(1);
    }
    await quiet();
  });

  it("cancels the benchmark", async () => {
    await visit();
    // By the page itself: the benchmark might end while it is asked from outside.
    await page.evaluate(`
      const state = () => [part('run').disabled, part('cancel').disabled, part('progress').hidden, part('bench-status').textContent];
      globalThis.states = undefined;
      part("run").click();
      new MutationObserver((_, observer) => {
        observer.disconnect();
        const before = state();
        part("cancel").click();
        globalThis.states = [before, state()];
      }).observe(part("progress"), { attributeFilter: ["value"] });`);
    await until("globalThis.states !== undefined");
    expect(await page.evaluate("return globalThis.states")).toEqual([
      [true, false, false, "Measuring."],
      [false, true, true, "Cancelled."],
    ]);
    const later = await page.evaluate<number[]>(
      "const value = part('progress').value; await new Promise((resolve) => setTimeout(resolve, 400)); return [value, part('progress').value]",
    );
    expect(later[1]).toBe(later[0]);
    await quiet();
  });

  it("fits a phone, and a thumb", async () => {
    const width = 360;
    await visit("", "&quick");
    // WebKit's window does not get that narrow, but its page does.
    if (name === "webkit") await page.evaluate(`document.documentElement.style.width = "${width}px"`);
    else await page.resize(width, 800);
    await runToEnd();
    await page.evaluate(`enter("seed", "a".repeat(60))`);
    const [outside, over] = await page.evaluate<[string[], number]>(`const { scrollWidth, clientWidth } = document.documentElement;
      const shown = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility());
      const edge = Math.min(clientWidth, ${width});
      return [shown.filter((element) => element.getBoundingClientRect().right > edge).map((element) => element.outerHTML.slice(0, 80)),
        scrollWidth - clientWidth]`);
    expect(outside).toEqual([]);
    expect(over).toBe(0);
    const small = `return [...document.querySelectorAll("button, input, textarea, #surface, #link")].map((element) => element.closest("fieldset label") ?? element)
      .filter((element) => { const { width, height } = element.getBoundingClientRect(); return width < 44 || height < 44; })
      .map((element) => element.outerHTML.slice(0, 80))`;
    expect(await page.evaluate(small)).toEqual([]);
    if (name === "chromium") await expectAccessible(page);
    if (name !== "webkit") await page.resize(1024, 800);
    await quiet();
  });

  it.each(["light", "dark"])("has enough contrast, %s", async (scheme) => {
    await visit("", "&quick");
    await page.evaluate(`document.documentElement.style.colorScheme = "${scheme}"`);
    await runToEnd();
    await page.evaluate(`part("eraser").click(); enter("p", "2")`);
    const { count, faint } = await page.evaluate<{ count: number; faint: string[] }>("return tooFaint()");
    expect(count).toBeGreaterThan(60);
    expect(faint).toEqual([]);
    const paper = await page.evaluate<number[]>("return rgb(getComputedStyle(document.documentElement).backgroundColor)");
    expect((paper[0] as number) > 128).toBe(scheme === "light");
    if (name === "chromium") await expectAccessible(page);
    await quiet();
  });

  it("says why it cannot start where wasm is forbidden", async () => {
    await visit("", "", withoutWasm);
    expect(await page.evaluate("return [part('main').hidden, part('failure').textContent]")).toEqual([
      true,
      expect.stringMatching(/^This page cannot start: .*(Content Security Policy|CSP)/),
    ]);
  });
});
