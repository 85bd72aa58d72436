// Reads and checks files of results. An error names the file and the field.

import { readFileSync } from "node:fs";
import { checkChoice, checkInteger, checkObject, wrongKind, wrongValue } from "../src/ground/check.js";
import { UnusableFile } from "./command-line.js";
import { FORMAT, type Group, type Run, type Verdict } from "./results.js";

const GROUPS: readonly Group[] = ["reference", "kernel", "api", "peer", "native"];
const OUTCOMES: readonly Verdict["outcome"][] = ["met", "missed", "open"];

/** The run in a file; throws {@link UnusableFile}. */
export function readRun(file: string): Run {
  try {
    const run: unknown = JSON.parse(readFileSync(file, "utf8"));
    checkRun(run);
    return run;
  } catch (error) {
    throw new UnusableFile(`${file}: ${(error as Error).message}`);
  }
}

/** An object of unknown fields. */
interface Fields {
  readonly [name: string]: unknown;
}

function checkRun(run: unknown): asserts run is Run {
  const fields = fieldsOf(run, "run");
  const { format, date, rounds, results, missing, bars } = fields;
  if (format !== FORMAT) throw wrongKind("format", `${FORMAT}`, format);
  checkStrings(fields, "", ["version", "date"]);
  if (Number.isNaN(Date.parse(date as string))) throw wrongKind("date", "ISO 8601 date", date);
  checkInteger(rounds, "rounds", 1, Number.MAX_SAFE_INTEGER);
  const machine = fieldsOf(fields.machine, "machine");
  checkStrings(machine, "machine.", ["cpu", "os"]);
  checkInteger(machine.cores, "machine.cores", 1, Number.MAX_SAFE_INTEGER);
  checkStrings(fieldsOf(fields.engine, "engine"), "engine.", ["name", "version", "build"]);
  eachOf(results, "results", checkResult);
  if (missing !== undefined) eachOf(missing, "missing", (entry, path) => checkStrings(entry, path, ["name", "reason"]));
  if (bars !== undefined) eachOf(bars, "bars", checkVerdict);
  checkDistinct(results as Run["results"]);
}

function checkResult(result: Fields, path: string): void {
  checkStrings(result, path, ["name", "copy"]);
  checkChoice(result.group, `${path}group`, GROUPS);
  checkInteger(result.size, `${path}size`, 1, Number.MAX_SAFE_INTEGER);
  for (const field of ["nsPerElement", "gbPerSecond", "ratio"]) checkAmount(result[field], path + field);
  for (const field of ["nsPerElementSpread", "ratioInterval"]) checkInterval(result[field], path + field);
}

function checkVerdict(verdict: Fields, path: string): void {
  checkStrings(verdict, path, ["subject", "against"]);
  checkChoice(verdict.outcome, `${path}outcome`, OUTCOMES);
  checkInteger(verdict.size, `${path}size`, 1, Number.MAX_SAFE_INTEGER);
  for (const field of ["most", "ratio"]) checkAmount(verdict[field], path + field);
  checkInterval(verdict.interval, `${path}interval`);
}

// Two results of one subject at one size would be ambiguous.
function checkDistinct(results: Run["results"]): void {
  const seen = new Set<string>();
  for (const [i, { name, size }] of results.entries()) {
    const key = JSON.stringify([name, size]);
    if (seen.has(key)) throw wrongKind(`results[${i}].name`, `a subject once at size ${size}`, name);
    seen.add(key);
  }
}

function eachOf(list: unknown, name: string, check: (entry: Fields, path: string) => void): void {
  if (!Array.isArray(list)) throw wrongKind(name, "array", list);
  for (const [i, entry] of list.entries()) check(fieldsOf(entry, `${name}[${i}]`), `${name}[${i}].`);
}

function fieldsOf(value: unknown, name: string): Fields {
  checkObject(value, name, "object");
  return value as Fields;
}

function checkStrings(fields: Fields, path: string, names: readonly string[]): void {
  for (const name of names) if (typeof fields[name] !== "string") throw wrongKind(path + name, "string", fields[name]);
}

function checkAmount(value: unknown, name: string): asserts value is number {
  const expected = "finite number, 0 or more";
  if (typeof value !== "number") throw wrongKind(name, expected, value);
  if (!(value >= 0 && Number.isFinite(value))) throw wrongValue(name, expected, value);
}

function checkInterval(value: unknown, name: string): void {
  if (!Array.isArray(value) || value.length !== 2) throw wrongKind(name, "array of two numbers", value);
  checkAmount(value[0], `${name}[0]`);
  checkAmount(value[1], `${name}[1]`);
  if (value[0] > value[1]) throw wrongValue(name, "lower end first", `${value[0]} and ${value[1]}`);
}
