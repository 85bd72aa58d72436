// Types of the modules that vite.config.ts makes.

declare module "made/pages.js" {
  /** The pages of this repository that the text is made of. */
  const pages: readonly string[];
  export default pages;
}

declare module "*.css" {}
