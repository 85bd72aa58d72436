// What wrangler makes of files that are no code.

declare module "*.bin" {
  const bytes: ArrayBuffer;
  export default bytes;
}
