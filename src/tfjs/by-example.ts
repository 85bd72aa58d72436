// Layers that treat the examples of a batch one by one, so that several passes can run as one batch.

import { serialization } from "@tensorflow/tfjs-core";
import { RandomLayer } from "./layers.js";
import { cellsOf } from "./recurrent.js";
import { inputShapeOf, type Layer, layersOf } from "./swap.js";

// Classes of tfjs-layers 4.22. Those of a program itself may look at a whole batch.
const BY_EXAMPLE = new Set(
  [
    "InputLayer Sequential Functional Model TimeDistributed Bidirectional",
    "Dense Activation Dropout AlphaDropout GaussianDropout GaussianNoise SpatialDropout1D Flatten Reshape Permute RepeatVector Embedding",
    "ELU LeakyReLU PReLU ReLU Softmax ThresholdedReLU",
    "Add Average Concatenate Dot Maximum Minimum Multiply",
    "BatchNormalization LayerNormalization Rescaling Resizing CenterCrop",
    "Conv1D Conv2D Conv2DTranspose Conv3D Conv3DTranspose DepthwiseConv2D SeparableConv2D Cropping2D UpSampling2D ZeroPadding2D",
    "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D",
    "GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D",
    "RNN SimpleRNN GRU LSTM ConvLSTM2D SimpleRNNCell GRUCell LSTMCell ConvLSTM2DCell StackedRNNCells",
  ].flatMap((names) => names.split(" ")),
);

/** Returns true if a layer, with all within it, gives each example what it gives it in any other batch. */
export function isByExample(layer: Layer): boolean {
  const inner = layersOf({ layers: [layer] });
  return inner.every((one) => one instanceof RandomLayer || isKnown(one)) && inner.flatMap(cellsOf).every(isKnown);
}

function isKnown(layer: Layer): boolean {
  const name = layer.getClassName();
  const [registered] = serialization.SerializationMap.getMap().classNameMap[name] ?? [];
  // By the class itself: a program may have one of the same name.
  if (!BY_EXAMPLE.has(name) || (registered as unknown) !== layer.constructor) return false;
  return !(layer as { maskZero?: boolean }).maskZero && !axesOf(layer).includes(0);
}

/** Returns the axes that a layer works along, from the first; negative ones of an unknown rank count as of 2 dimensions. */
function axesOf(layer: Layer): number[] {
  const { axis, axes } = layer as { axis?: number | number[]; axes?: number | number[] };
  const [first, ...others] = inputShapeOf(layer) ?? [null, null];
  const rank = Array.isArray(first) ? first.length : others.length + 1;
  const along = [axis, axes].flat().filter((one) => typeof one === "number");
  return along.map((one) => (one < 0 ? Math.max(0, one + rank) : one));
}
