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
# `init=` starts from the layers of the same names. Those that do not fit, as the last where the classes are others, stay at
# random, and a warning says which. `lr_scale` gives the layers that know something a tenth of the rate, and the new one all of
# it.

# %%
other = zoo.build("unet", classes=["background", "thing"], input_shape=(64, 64, 3), width=1 / 16, init="runs/before")
print(other.output_shape)

# %% [markdown]
# ## Another decoder
#
# `encoder_weights=` takes the encoder alone out of a run, a `.keras` file or shipped weights, whatever stands on it:
# `zoo.build("lraspp", encoder="mobilenet_v2", classes=5, encoder_weights="fcn8s.camvid")`. `"imagenet"` is the published one.
#
# On the command line:
#
# ```sh
# zoo train unet_lite --init unet_lite.ccp --data folder:photos --lr-scale 'block*=0.1' --out runs/after
# zoo train unet_lite --encoder-weights imagenet --freeze-batchnorm 'stem*,block*' --data folder:photos --out runs/after
# ```
#
# With batches of fewer than eight pictures keep the encoder's batch normalisation still (`--freeze-batchnorm`): its
# statistics over so few pictures are noise.
