// The page of examples/browser, as high as what it shows and in the scheme of the site.

import { useData, withBase } from "vitepress";
import { defineComponent, h, onBeforeUnmount, ref, watch } from "vue";

export const Playground = defineComponent(() => {
  const { isDark } = useData();
  const frame = ref<HTMLIFrameElement>();
  const height = ref(900);
  let observer: ResizeObserver | undefined;

  function recolour(): void {
    const root = frame.value?.contentDocument?.documentElement;
    if (root) root.style.colorScheme = isDark.value ? "dark" : "light";
  }

  function follow(): void {
    const root = frame.value?.contentDocument?.documentElement;
    if (!root) return;
    recolour();
    observer?.disconnect();
    observer = new ResizeObserver(() => {
      height.value = root.offsetHeight + 8;
    });
    observer.observe(root);
  }

  watch(isDark, recolour);
  onBeforeUnmount(() => observer?.disconnect());
  return () =>
    h("iframe", {
      ref: frame,
      class: "playground",
      title: "Playground: masks of a digit, gradients from a ticket, a benchmark",
      src: withBase("/playground/index.html"),
      style: { height: `${height.value}px` },
      onLoad: follow,
    });
});
