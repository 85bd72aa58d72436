// The first page: VitePress's home within a landmark, which its own layout lacks.

import { Content } from "vitepress";
import { VPHomeContent, VPHomeFeatures, VPHomeHero } from "vitepress/theme-without-fonts";
import { h } from "vue";

export const Landing = () => h("main", { class: "landing" }, [h(VPHomeHero), h(VPHomeFeatures), h(VPHomeContent, () => h(Content))]);
