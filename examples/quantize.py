# %% [markdown]
# # Quantize, and find what int8 loses
#
# int8 files are a quarter of the bytes, and what NPUs and DSPs take. This guide converts a network, holds the files against
# Keras, and finds the layers at which int8 loses most. Everything below takes seconds.

# %%
import converters
import zoo
import zoo.data

data = zoo.data.open("scenes:count=16,size=64", "train")
model = zoo.build("unet", classes=data.classes, input_shape=(64, 64, 3), width=1 / 16)
zoo.train(model, data, epochs=1, batch_size=16, size=(64, 64), verbose=0)

# %% [markdown]
# ## Calibration
#
# int8 needs the range of every activation, measured on pictures like those that the phone will see: 64 or more of the
# training split. Random noise would give ranges that no photograph has. Rounded kernels shift their channels' means; int8 files
# have that taken out of the biases, with the same pictures.

# %%
images = zoo.data.calibration_images(data, 16, (64, 64))

# %% [markdown]
# ## Convert and compare
#
# `parity` runs the file and the network on the same pictures and judges in the output's own measure: class agreement, end-point
# error, PSNR. A network that only ever says "background" does not pass. No operator outside TFLite's built-ins is ever written.

# %%
for recipe in ("float16", "int8"):
    written = converters.to_tflite(
        model, f"scenes_{recipe}.tflite", recipe, (64, 64), calibration=images if recipe == "int8" else None
    )
    print(written)
    print(converters.parity(model, written, images[:8]))

# %% [markdown]
# ## What int8 loses, layer by layer
#
# Each layer is asked twice: how far the file is from the network there (`total`), and how much is lost just there (`own`),
# both in decibels; 20 dB is an error of a tenth of the signal's spread. The worst come first.

# %%
errors = converters.layer_errors(model, "scenes_int8.tflite", images[:2])
for row in list(errors)[:3]:
    print(f"{row.layer:28} own {row.own:5.1f} dB  total {row.total:5.1f} dB  {row.share:.0%} of the noise")

# %% [markdown]
# ## Leave those wider
#
# `keep_int16=` gives layers 16-bit activations, `keep_float=` leaves them in float; `converters.auto_mixed` chooses layers for
# a budget. Where that costs too much, [train with the rounding](train_for_int8.md).

# %%
worst = errors[0].layer
mixed = converters.to_tflite(model, "scenes_mixed.tflite", "int8", (64, 64), calibration=images, keep_float=[worst])
print(mixed)

# %% [markdown]
# On the command line:
#
# ```sh
# zoo convert runs/photos --quantize int8 --size 256x256 --calibration folder:photos --keep-float 'classifier*'
# zoo evaluate runs/photos/model_int8.tflite --data folder:photos
# ```
