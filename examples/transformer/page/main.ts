// The page: lets both networks train and shows what they come to.

import "made/report.css";
import "./style.css";
import { clearError, part, sayError, startPage } from "../../browser/src/page.js";
import { readSettings, TYPED, type Typed, usual, WrongSetting } from "../settings.js";
import { Checkpoints } from "./checkpoints.js";
import { Trainings } from "./trainings.js";
import { View } from "./view.js";

// For tests of the page: a network that takes seconds.
const tiny = new URLSearchParams(location.search).has("tiny");

await startPage(async () => {
  const checkpoints = await Checkpoints.open();
  const view = new View();
  const trainings = new Trainings(checkpoints, view);
  const fields = TYPED.map((name) => [name, part(name, HTMLInputElement)] as const);
  const typed = () => Object.fromEntries(fields.map(([name, field]) => [name, field.value.trim()])) as Typed;

  /** The settings that are typed in, or undefined if one is wrong, which is said. */
  function read() {
    for (const [name] of fields) clearError(`${name}-error`);
    try {
      return readSettings(typed(), tiny);
    } catch (error) {
      if (!(error instanceof WrongSetting)) throw error;
      sayError(`${error.setting}-error`, error);
      return undefined;
    }
  }
  const offer = () => {
    const settings = read();
    if (settings !== undefined) view.offer(trainings.has(settings));
  };
  const begin = (afresh: boolean) => {
    const settings = read();
    if (settings !== undefined) trainings.begin(settings, afresh);
  };

  const before = { ...usual(tiny), ...trainings.saved() };
  for (const [name, field] of fields) {
    field.value = before[name];
    field.addEventListener("input", offer);
  }
  part("form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    begin(false);
  });
  part("again", HTMLButtonElement).addEventListener("click", () => begin(true));
  part("stop", HTMLButtonElement).addEventListener("click", () => trainings.stop());
  offer();
});
