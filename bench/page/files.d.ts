// Types of the files that Vite gives the address of.

declare module "*.wasm?url" {
  const url: string;
  export default url;
}

interface ImportMeta {
  glob<T>(paths: readonly string[], options: { query: string; import: string; eager: true }): Readonly<Record<string, T>>;
}
