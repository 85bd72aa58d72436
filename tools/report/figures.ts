// Formats figures, with enough digits to tell results apart and no more, and their labels.

import type { Machine } from "../../bench/results.js";

/** Three significant digits: "0.317", "2.60", "68.9", "1240". */
export function formatFigure(value: number): string {
  if (value === 0) return "0";
  const digits = Math.min(Math.max(2 - Math.floor(Math.log10(value)), 0), 6);
  return value.toFixed(digits);
}

/** "2.60×" */
export function formatRatio(ratio: number): string {
  return `${formatFigure(ratio)}×`;
}

/** "58 times as long", "1.7 times as long" */
export function formatTimes(times: number): string {
  return `${times < 9.95 ? times.toFixed(1) : Math.round(times).toLocaleString("en")} times as long`;
}

/** A value on an axis: "0.5", "16". */
export function formatTick(value: number): string {
  return `${Number(value.toPrecision(3))}`;
}

/** "2²⁰", or "1000" for a size that is no power of two. */
export function formatPower(size: number): string {
  const exponent = Math.log2(size);
  return Number.isInteger(exponent) ? `2${[...`${exponent}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}` : `${size}`;
}

/** "Some CPU, 2 cores, Linux 6" */
export function formatMachine({ cpu, cores, os }: Machine): string {
  return `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}, ${os}`;
}

/** Date and time of an ISO 8601 date, to the minute. */
export function formatDate(date: string): string {
  return `${new Date(date).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
