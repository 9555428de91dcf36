# %% [markdown]
# # Train on your folder
#
# A network learns masks from a folder of pictures. The data here are 48 generated scenes and the network is tiny, so that
# everything below takes seconds; put your folder and a larger network in their places.

# %% [markdown]
# ## The folder
#
# `images/` and `masks/` hold files of the same stems. A mask's grey value is the class of its pixel and 255 is ignored;
# two classes may also be drawn in black and white. `classes.txt` names the classes, one a line. The splits are drawn by the
# stems unless `train.txt`, `val.txt` and `test.txt` list them: list them for frames of a film, whose neighbours look alike.

# %%
from pathlib import Path

import numpy as np
from PIL import Image

import zoo
import zoo.data

folder = Path("photos")
scenes = zoo.data.open("scenes:count=48,size=64", "train")
for part in ("images", "masks"):
    (folder / part).mkdir(parents=True, exist_ok=True)
for index in range(len(scenes)):
    image, mask, _ = scenes[index]
    Image.fromarray(image).save(folder / "images" / f"{index:03}.png")
    Image.fromarray(np.asarray(mask).astype(np.uint8)).save(folder / "masks" / f"{index:03}.png")
(folder / "classes.txt").write_text("\n".join(scenes.classes))

train, val = zoo.data.open("folder:photos", "train"), zoo.data.open("folder:photos", "val")
print(len(train), "pictures to learn from,", len(val), "to choose the best epoch by:", ", ".join(train.classes))

# %% [markdown]
# ## The network
#
# Any segmenter of `zoo list --task segmentation`. With few pictures start from an encoder that knows ImageNet:
# `zoo.build("unet_lite", classes=train.classes, encoder_weights="imagenet")`, which fetches the published file once.
# A name alone builds the paper's network: U-Net's takes grey pictures, unless `input_shape=` says otherwise.

# %%
model = zoo.build("unet", classes=train.classes, input_shape=(64, 64, 3), width=1 / 16)

# %% [markdown]
# ## Training
#
# The best epoch's weights are in `model` when it ends. The folder of the run holds checkpoints, `log.csv`, `curves.png` and
# `model.keras`; the same call goes on where an interrupted one stopped.

# %%
result = zoo.train(
    model,
    train,
    val,
    epochs=2,  # of yours: 30 or more
    batch_size=8,
    size=(64, 64),  # of yours: what the phone will see, as (256, 256)
    augment=zoo.data.Augment(),
    folder="runs/photos",
)
print(result.best)

# %% [markdown]
# ## Scores
#
# One confusion matrix over the whole split, at the masks' own resolution.

# %%
test = zoo.data.open("folder:photos", "test")
print(zoo.evaluate(model, test, size=(64, 64)).scores)

# %% [markdown]
# On the command line:
#
# ```sh
# zoo train unet_lite --encoder-weights imagenet --data folder:photos --size 256x256 --out runs/photos
# zoo evaluate runs/photos --data folder:photos
# zoo report runs/photos --data folder:photos        # a page: scores, curves, best and worst pictures
# ```
#
# Next: [convert and quantize](quantize.md).
