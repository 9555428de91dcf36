# %% [markdown]
# # Fine-tune from your weights
#
# A network that you trained before is a better start than a random one, also for other classes. The data are generated
# and the network is tiny; everything below takes seconds.

# %% [markdown]
# ## A network from before
#
# Any run's folder or `.keras` file will do; this one learns five classes of scenes.

# %%
import zoo
import zoo.data

settings = {"batch_size": 8, "size": (64, 64), "augment": zoo.data.Augment(), "verbose": 0}
before = zoo.data.open("scenes:count=16,size=64", "train")
model = zoo.build("unet", classes=before.classes, input_shape=(64, 64, 3), width=1 / 16)
zoo.train(model, before, epochs=1, folder="runs/before", **settings)

# %% [markdown]
# ## The same classes, other pictures
#
# Load the run and train on. A tenth of the usual rate keeps what was learnt.

# %%
here = zoo.data.open("scenes:count=16,size=64,seed=7", "train")
same_classes = zoo.load("runs/before/model.keras")
zoo.train(same_classes, here, epochs=1, learning_rate=1e-4, folder="runs/same_classes", **settings)

# %% [markdown]
# ## Other classes
#
# Copy the layers that still fit; the last one has another number of channels and starts fresh. `lr_scale` gives the layers that
# know something a tenth of the rate, and the new one all of it.

# %%
other = zoo.build("unet", classes=["background", "thing"], input_shape=(64, 64, 3), width=1 / 16)
for layer, earlier in zip(other.layers, same_classes.layers, strict=True):
    if [weight.shape for weight in layer.weights] == [weight.shape for weight in earlier.weights]:
        layer.set_weights(earlier.get_weights())
    else:
        print(layer.name, "starts fresh")

# %% [markdown]
# For an encoder that knows ImageNet no copying is needed: `encoder_weights="imagenet"`, or a `.keras` file over the same
# encoder.
# `init=` starts a network from a smaller one of the same family, as FCN-16s from FCN-32s.
#
# On the command line:
#
# ```sh
# zoo train fcn16s --init runs/fcn32s --data folder:photos --out runs/fcn16s
# zoo train unet_lite --encoder-weights imagenet --freeze-batchnorm 'stem*,block*' --data folder:photos --out runs/after
# ```
#
# With batches of fewer than eight pictures keep the encoder's batch normalisation still (`--freeze-batchnorm`): its
# statistics over so few pictures are noise.
