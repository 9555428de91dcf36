# %% [markdown]
# # ONNX
#
# The same network for ONNX Runtime and what reads its format: opset 18, at one size or at any.

# %%
import numpy as np
import onnxruntime

import converters
import zoo
import zoo.data

data = zoo.data.open("scenes:count=20,size=64", "test")
model = zoo.build("unet", classes=data.classes, input_shape=(None, None, 3), width=1 / 16)
written = converters.to_onnx(model, "scenes.onnx")
print(written)

# %% [markdown]
# ## Held against Keras
#
# The numbers are compared in onnxruntime, as those of `.tflite` files are in LiteRT.

# %%
images = np.stack([data[index].image for index in range(2)]).astype("float32")
print(converters.parity(model, written, images))

# %% [markdown]
# ## Run it
#
# The input is the picture as it is, RGB in 0–255; normalisation is in the graph. `densezoo.json` travels in the file's
# metadata.

# %%
session = onnxruntime.InferenceSession("scenes.onnx")
(logits,) = session.run(None, {session.get_inputs()[0].name: images})
print(logits.shape, list(session.get_modelmeta().custom_metadata_map))

# %% [markdown]
# On the command line: `zoo convert runs/photos --format onnx`.
