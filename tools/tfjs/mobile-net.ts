// A network of the shape of MobileNetV2 (Sandler et al. 2018), with two layers of dropout behind the pooling and weights from a seed: the commonest kind of
// image classifier, most of whose layers lie before its dropout.

import {
  initializers,
  type LayersModel,
  layers,
  model as makeModel,
  input as modelInput,
  type SymbolicTensor,
} from "@tensorflow/tfjs-layers";

/** Rows of the paper's table 2: expansion, channels, repetitions, stride. */
const BLOCKS = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;
const LAST = 1280;
const HIDDEN = 256;

/** Returns the network for square images of `size`, with `classes` outputs. */
export function mobileNet(size: number, classes: number): LayersModel {
  let seed = 0;
  const kernel = () => initializers.heNormal({ seed: ++seed });
  const apply = (layer: layers.Layer, x: SymbolicTensor | SymbolicTensor[]) => layer.apply(x) as SymbolicTensor;
  const norm = (x: SymbolicTensor) => apply(layers.batchNormalization(), x);
  const relu6 = (x: SymbolicTensor) => apply(layers.reLU({ maxValue: 6 }), x);
  const conv = (x: SymbolicTensor, filters: number, kernelSize: number, strides: number) =>
    norm(apply(layers.conv2d({ filters, kernelSize, strides, padding: "same", useBias: false, kernelInitializer: kernel() }), x));

  const image = modelInput({ shape: [size, size, 3] });
  let x = relu6(conv(image, 32, 3, 2));
  for (const [expansion, filters, repetitions, stride] of BLOCKS) {
    for (let k = 0; k < repetitions; ++k) {
      const before = x;
      const channels = x.shape[3] as number;
      const strides = k === 0 ? stride : 1;
      if (expansion > 1) x = relu6(conv(x, expansion * channels, 1, 1));
      // As Keras has it, which pads before a step of two.
      if (strides === 2)
        x = apply(
          layers.zeroPadding2d({
            padding: [
              [0, 1],
              [0, 1],
            ],
          }),
          x,
        );
      const padding = strides === 2 ? "valid" : "same";
      const depthwise = layers.depthwiseConv2d({ kernelSize: 3, strides, padding, useBias: false, depthwiseInitializer: kernel() });
      x = relu6(norm(apply(depthwise, x)));
      x = conv(x, filters, 1, 1);
      if (strides === 1 && channels === filters) x = apply(layers.add(), [before, x]);
    }
  }
  x = apply(layers.globalAveragePooling2d({ dataFormat: "channelsLast" }), relu6(conv(x, LAST, 1, 1)));
  x = apply(layers.dropout({ rate: 0.3 }), x);
  x = apply(layers.dense({ units: HIDDEN, activation: "relu", kernelInitializer: kernel() }), x);
  x = apply(layers.dropout({ rate: 0.5 }), x);
  x = apply(layers.dense({ units: classes, activation: "softmax", kernelInitializer: kernel() }), x);
  return makeModel({ inputs: image, outputs: x });
}
