# %% [markdown]
# # Several devices
#
# Every device holds all weights and works on its part of each batch. JAX and TensorFlow bring the engine; Keras has none for
# PyTorch.

# %% [markdown]
# ## On one machine
#
# Build and train inside `across`; without a number it takes all devices. A batch of 16 on two devices is 8 on each, and must
# divide evenly.

# %%
import zoo
import zoo.data
from zoo.training import distribution

print(distribution.devices())
data = zoo.data.open("scenes:count=16,size=64", "train")
with distribution.across() as devices:
    model = zoo.build("unet", classes=data.classes, input_shape=(64, 64, 3), width=1 / 16)
    zoo.train(model, data, epochs=1, batch_size=8 * devices, size=(64, 64), verbose=0)
print("trained on", devices)

# %% [markdown]
# ## Over hosts
#
# Each host runs the same program on the same data, with its place in the list of all and a folder of its own:
#
# ```python
# distribution.join(["10.0.0.1:7000", "10.0.0.2:7000"], index=0)      # first of all, before anything is computed
# with distribution.across():
#     ...
# ```
#
# A run comes to what it comes to on one device, but for rounding: on JAX always; on TensorFlow unless something is measured
# over the batch by each device for itself, as batch normalisation does. Hold it still, or build it `synchronized`.
