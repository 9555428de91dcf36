# %% [markdown]
# # Train for int8, and prune
#
# Where an int8 file loses too much, let the network learn with the file's rounding (quantization-aware training), or with
# weights of zero (pruning). Both start from a trained Keras 3 network and end in one. Everything below takes seconds; a real
# network wants an epoch or a few.

# %%
import converters
import zoo
import zoo.data
from zoo import tasks

data = zoo.data.open("scenes:count=16,size=64", "train")
model = zoo.build("unet", classes=data.classes, input_shape=(64, 64, 3), width=1 / 16)
zoo.train(model, data, epochs=1, batch_size=16, size=(64, 64), verbose=0)
images = zoo.data.calibration_images(data, 16, (64, 64))
batches = zoo.data.Batches(data, 16, (64, 64))
loss = tasks.get(data.task).loss(zoo.output_spec(model), batches.ignore)

# %% [markdown]
# ## Learn with the rounding
#
# `quantize_aware` folds batch normalisation and inserts the rounding; it is a Keras 3 network still, on any backend, which
# `zoo.train` trains and resumes as any other. What layers span starts from the calibration pictures and is learnt with the
# weights. The file needs no calibration then: the network brings its ranges.
#
# With `engine="tensorflow"` it becomes a tf_keras network over tensorflow-model-optimization, proven equal; that, pruning and
# clustering need the extra `tensorflow`.

# %%
aware = converters.quantize_aware(model, images)
converters.fine_tune(aware, batches, loss, epochs=1, verbose=0)
print(converters.to_tflite(aware, "aware_int8.tflite", "int8", (64, 64)))

# %% [markdown]
# ## Prune
#
# `prune` sets the smallest weights to zero while it trains, by tfmot, here half of them. Zeros make the download smaller and
# nothing faster: LiteRT's kernels multiply by them like by any other number.

# %%
sparse = converters.prune(model, sparsity=0.5, schedule="constant")
sparse.compile("adam", loss)
sparse.fit(*batches[0], epochs=1, verbose=0, callbacks=converters.callbacks(sparse))
pruned = converters.to_keras(sparse, model)

# %% [markdown]
# `quantize_aware(pruned, images, keep="sparsity")` then trains with the rounding and leaves the zeros where they are.
#
# `converters.cluster(model)` is the third way: each kernel keeps a few values only, which compresses well.
#
# What each way comes to on a network of the zoo is in [One network, made smaller](../results/compression.md).
#
# On the command line: `zoo convert runs/photos --quantize int8 --quantize-aware 1 --calibration folder:photos`.
