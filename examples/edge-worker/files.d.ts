// Types of the files without code that wrangler imports.

declare module "*.bin" {
  const bytes: ArrayBuffer;
  export default bytes;
}
