// VitePress's own theme, with the fonts of the system: the site loads nothing from elsewhere.

import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme-without-fonts";
import "../../pictures/style.css";
import { Landing } from "../../theme/landing.js";
import { Playground } from "../../theme/playground.js";
import { mendSearchBox } from "../../theme/search-roles.js";
import "../../theme/style.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("Playground", Playground).component("landing", Landing);
    if (!import.meta.env.SSR) mendSearchBox();
  },
} satisfies Theme;
