// Reads the functions of a module from its text form, which is built beside it.

/** The functions of a module, by their index, and its kernels. */
export interface Text {
  /** Names as AssemblyScript gives them, without the folder that they all begin with. */
  readonly names: readonly string[];
  /** Indices of the functions that each kernel reaches, itself among them, by its name. */
  readonly reached: ReadonlyMap<string, ReadonlySet<number>>;
}

const NAME = String.raw`\$("[^"]*"|[^\s()]+)`;

/** Reads the text form of a module that imports no functions. */
export function readWat(text: string): Text {
  const names: string[] = [];
  const calls: string[][] = [];
  const exported = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, kernel, target] = line.match(new RegExp(String.raw`^ \(export "(\w+)" \(func ${NAME}\)\)`)) ?? [];
    if (kernel !== undefined && target !== undefined) exported.set(kernel, target);
    const [, name] = line.match(new RegExp(`^ \\(func ${NAME}`)) ?? [];
    if (name !== undefined) {
      names.push(name);
      calls.push([]);
    }
    const [, called] = line.match(new RegExp(`\\bcall ${NAME}`)) ?? [];
    if (called !== undefined) calls.at(-1)?.push(called);
  }
  const indices = new Map(names.map((name, index) => [name, index]));
  const reach = (from: string): Set<number> => {
    const reached = new Set<number>();
    const open = [from];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const index = indices.get(name);
      if (index === undefined) throw new Error(`no function ${name} in the module's text`);
      if (!reached.has(index)) open.push(...(calls[index] as string[]));
      reached.add(index);
    }
    return reached;
  };
  return {
    names: names.map((name) => name.replaceAll('"', "").replaceAll("assembly/", "")),
    reached: new Map([...exported].map(([kernel, target]) => [kernel, reach(target)])),
  };
}
