// Finds an installed browser, or a program that it needs.

import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** A browser that is not installed. */
export class MissingBrowser extends Error {}

/** The path of the first of `programs`, names to be looked for in PATH or absolute paths, that exists; throws MissingBrowser if none does. */
export function findProgram(...programs: string[]): string {
  const directories = (process.env.PATH ?? "").split(delimiter);
  const paths = programs.flatMap((program) => (isAbsolute(program) ? program : directories.map((directory) => join(directory, program))));
  const found = paths.find(isExecutable);
  if (found === undefined) throw new MissingBrowser(`${programs.join(" or ")} is not installed`);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
