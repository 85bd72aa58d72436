// What Vite makes of files that are imported for their addresses.

declare module "*.wasm?url" {
  const url: string;
  export default url;
}

interface ImportMeta {
  glob<T>(paths: readonly string[], options: { query: string; import: string; eager: true }): Readonly<Record<string, T>>;
}
