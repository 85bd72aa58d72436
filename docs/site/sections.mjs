// The sections of the site and their pages, in order.

/** @type {{ text: string, items: { text: string, link: string }[], collapsed?: boolean }[]} */
export const SECTIONS = [
  {
    text: "Start",
    items: [
      { text: "Node", link: "/start/node" },
      { text: "Deno and Bun", link: "/start/deno-bun" },
      { text: "Pages with a bundler", link: "/start/bundlers" },
      { text: "Pages without a bundler", link: "/start/page" },
      { text: "Workers and edge runtimes", link: "/start/edge" },
      { text: "TypeScript and Jest", link: "/start/typescript" },
      { text: "All engines and set-ups", link: "/engines" },
    ],
  },
  {
    text: "Concepts",
    items: [
      { text: "Streams", link: "/concepts/streams" },
      { text: "Tickets", link: "/concepts/tickets" },
      { text: "States", link: "/concepts/states" },
      { text: "Reproducibility", link: "/reproducibility" },
      { text: "The convention of calls", link: "/conventions" },
    ],
  },
  {
    text: "Guides",
    items: [
      { text: "Training with TensorFlow.js", link: "/guides/training" },
      { text: "Coming from PyTorch, Keras, tf.dropout", link: "/migrate" },
      { text: "Transformers", link: "/guides/transformers" },
      { text: "Tokens and sequences", link: "/sequences" },
      { text: "Monte-Carlo dropout", link: "/uncertainty" },
      { text: "ONNX models", link: "/onnx" },
      { text: "Workers and ranks", link: "/guides/workers" },
      { text: "Saving and resuming", link: "/guides/resuming" },
      { text: "Memory and free", link: "/guides/memory" },
      { text: "In the memory of another program", link: "/host-memory" },
      { text: "Playground", link: "/playground" },
    ],
  },
  {
    text: "Reference",
    items: [
      { text: "Calls and options", link: "/api" },
      { text: "TensorFlow.js", link: "/tfjs" },
      { text: "Keep streams, specification", link: "/keep-streams" },
      { text: "Normal stream, specification", link: "/normal-stream" },
      { text: "Order stream, specification", link: "/order-stream" },
      { text: "Ports", link: "/ports" },
      { text: "Statistics of the streams", link: "/statistics" },
      { text: "Performance", link: "/performance" },
      { text: "Stability", link: "/stability" },
      { text: "Changelog", link: "/changes" },
    ],
  },
];
