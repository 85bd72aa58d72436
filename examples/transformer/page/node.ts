// What the examples import of Node to find the files of packages, in a page: those of tfjs lie beside it.

/** Stands for the function of node:module. */
export function createRequire(_from: string): { resolve(name: string): string } {
  return { resolve: () => new URL("../tfjs/package", self.location.href).href };
}

/** Stands for the function of node:path, on addresses. */
export function dirname(path: string): string {
  return path.slice(0, path.lastIndexOf(sep));
}

export const sep = "/";
