# %% [markdown]
# # Check a file for the GPU
#
# A phone's GPU accelerator refuses some operators and computes others wrongly without a word. `gpu_check` runs a file on the
# accelerator of this machine and says whether it is taken whole and says the same as the CPU.

# %% [markdown]
# ## A driver
#
# A hardware Vulkan driver is used where the machine has one; else Chromium's software one (`apt-get install chromium`). The
# software one tells whether the graph is whole and right; it does not tell how float16 arithmetic behaves on your phone.
# `zoo doctor` says which one there is.

# %%
import keras

import converters
import edge
import zoo
import zoo.data

scenes = zoo.data.open("scenes:count=20,size=64", "test")
pictures = [scenes[index].image for index in range(2)]
model = zoo.build("unet", classes=scenes.classes, input_shape=(64, 64, 3), width=1 / 16)
written = converters.to_tflite(model, "scenes_float32.tflite", input_size=(64, 64))

# %% [markdown]
# ## The verdict
#
# Give it pictures like those that it will see: without them it takes structured noise of its own, which catches a wrong graph
# and little else, and says so. `verdict.ok` is whether the file may be shipped.

# %%
verdict = edge.gpu_check(written, pictures)
print(verdict.report())

# %% [markdown]
# ## When it says no
#
# | reason | what it means | what to do |
# |---|---|---|
# | not whole | an operator stays on the CPU; `verdict.unsupported` names it and its layers | write what it says instead |
# | wrong numbers | the accelerator computes something else | find the layer: convert the network up to a layer, check, halve |
# | crashed | the driver's compiler fell | as above |
# | inconclusive | the answers on these pictures tell nothing apart | give other pictures |
# | no driver | there is no Vulkan on this machine | install one, as above |
#
# To halve by hand, cut the network at a layer and check the part:

# %%
names = [layer.name for layer in model.layers]
middle = model.get_layer(names[len(names) // 2])
part = converters.to_tflite(keras.Model(model.input, middle.output), "part.tflite", input_size=(64, 64))
print("up to", middle.name, "·", edge.gpu_check(part).reason)

# %% [markdown]
# `zoo gpu-probe` runs small graphs of known truth and writes down what a driver computes wrongly; the check warns of those
# patterns in any file. On the command line the check is `zoo gpu-check model.tflite photo.jpg`, and its exit status is 1 where
# the file should not be shipped.
