// What Vite makes of a file that is imported for its address.

declare module "*.wasm?url" {
  const url: string;
  export default url;
}
