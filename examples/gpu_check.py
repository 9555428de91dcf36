# %% [markdown]
# # Check a file for the GPU, and bisect it
#
# A phone's GPU accelerator refuses some operators and computes others wrongly without a word. `gpu_check` runs a file on the
# accelerator of this machine and says whether it is taken whole and says the same as the CPU; `gpu_bisect` finds the operator
# where it does not; `gpu_lint` says what is known of a file's operators where there is no GPU at all.

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
# | wrong numbers | the accelerator computes something else | bisect, as below |
# | float32 alone | right with float32 enforced, wrong in float16 | normalise the tensor that it names, or ask for float32 |
# | crashed | the driver's compiler fell | bisect, as below |
# | inconclusive | the answers on these pictures tell nothing apart | give other pictures |
# | no driver | there is no Vulkan on this machine | install one, as above |
#
# Not all that is wrong shows on given pictures: a class map goes wrong only where every score of a pixel is below zero. Such
# operators are cut out and given values that bring the fault out. Values that float16 cannot hold are named with their tensor;
# a driver that computes in float32 whatever it is asked for, as the software one does, has float16 rehearsed on the CPU.
#
# Here is a network with a convolution in groups of three channels, as TensorFlow's converter writes it (our own writer makes
# a dense one of it, which is right): the accelerator takes it without a word.

# %%
L = keras.layers
image = keras.Input((64, 64, 3), name="image")
x = L.Conv2D(6, 3, padding="same", activation="relu", name="stem")(image)
x = L.Conv2D(8, 3, padding="same", groups=2, name="grouped")(x)
x = L.Conv2D(8, 3, padding="same", activation="relu", name="mix")(x)
network = keras.Model(image, L.Conv2D(len(scenes.classes), 1, name="scores")(x))
written = converters.to_tflite(network, "grouped.tflite", engine="tensorflow")
verdict = edge.gpu_check(written, pictures)
print(verdict.reason, "·", verdict.detail)

# %% [markdown]
# ## Bisect
#
# `gpu_bisect` runs parts of the file, each up to one operator, and halves until it has the first that is refused, crashes or
# differs though all that it reads is right. It says the layer, the shapes and what to write instead, and leaves the smallest
# graph that shows the fault by itself, of one or two operators as a rule: what a report to the maintainers needs.

# %%
if verdict.reason != "no driver":
    result = edge.gpu_bisect(written, pictures, target="grouped_alone.tflite")
    print(result.report())

# %% [markdown]
# On the command line: `zoo gpu-check model.tflite photo.jpg --bisect`. The exit status of `zoo gpu-check` is 1 where the file
# should not be shipped.
#
# ## Lint: without a GPU
#
# `zoo gpu-probe` runs small graphs of known truth and writes down what a driver refuses and computes wrongly; `gpu_lint` holds
# every operator of a file against that, worst first. It reads the file's tables only, so that it takes a fraction of a second
# for any `.tflite`, whoever wrote it.

# %%
print(edge.gpu_lint(written).report())

# %% [markdown]
# As a step of CI, whose exit status is 1 after a finding; `--level wrong` lets pass what is merely refused, and `--json` is for
# programs:
#
# ```
# pip install 'densezoo[edge]'
# zoo lint --level wrong models/*.tflite
# ```
#
# As a hook of pre-commit, in `.pre-commit-config.yaml`:
#
# ```
# - repo: URL-OF-THIS-REPOSITORY
#   hooks: [{id: zoo-lint}]
# ```
#
# A finding is a warning, and no finding is no proof: the numbers of `zoo gpu-check` are.
