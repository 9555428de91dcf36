# %% [markdown]
# # Interrupt and resume
#
# Training may be killed at any moment. The same call goes on from the last finished epoch and ends with the weights that it
# would have had, bit for bit, on TensorFlow, JAX and PyTorch.

# %%
import keras
import numpy as np

import zoo
import zoo.data

data = zoo.data.open("scenes:count=16,size=64", "train")


def run(folder, **limits):
    keras.utils.set_random_seed(0)  # initial weights
    model = zoo.build("unet", classes=data.classes, input_shape=(64, 64, 3), width=1 / 16)
    settings = {"epochs": 2, "batch_size": 16, "size": (64, 64), "augment": zoo.data.Augment(), "verbose": 0}
    return model, zoo.train(model, data, folder=folder, **settings, **limits)


# %% [markdown]
# ## Stop early, go on
#
# `max_seconds` stops before an epoch that would end later; Ctrl-C, a power cut and `kill -9` come to the same.

# %%
_, first = run("runs/interrupted", max_seconds=1e-3)
print("stopped:", first.stopped)
interrupted, second = run("runs/interrupted")
whole, _ = run("runs/whole")
same = all(np.array_equal(a, b) for a, b in zip(interrupted.get_weights(), whole.get_weights(), strict=True))
print("the same weights:", same)

# %% [markdown]
# ## What may change between the two calls
#
# Where it runs and what it shows: `folder` (moved), `verbose`, `workers`, `max_seconds`, `jit`. Anything that changes what is
# learnt is refused with the setting's name; `resume=False` forgets the checkpoint and starts anew.
#
# On the command line `zoo train … --out runs/photos` said again goes on; `--minutes 50` stops in time for a machine that is
# lent by the hour. `benchmarks/interrupted.py` kills a recipe ten times and compares.
