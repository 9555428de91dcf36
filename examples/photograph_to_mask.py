# %% [markdown]
# # A photograph's mask
#
# The weights that are shipped answer at once: no training, no TensorFlow, no Keras.
#
# ```sh
# pip install '.[edge]'        # from a checkout; 265 MB with everything it needs
# ```

# %% [markdown]
# ## Read a picture
#
# `read_rgb` gives uint8 H×W×3, turned as the camera was held. Put your own file here; a generated scene stands in for it.

# %%
from pathlib import Path

import numpy as np
from PIL import Image

import edge
import zoo.data
from zoo.data.image_files import read_rgb
from zoo.pretrained import catalog

photo = Path("photo.png")
if not photo.exists():
    Image.fromarray(zoo.data.open("scenes:count=10,size=256", "test")[0].image).save(photo)
image = read_rgb(photo)

# %% [markdown]
# ## Ask the network
#
# `unet_lite.ccp:int8` is the int8 file of the weights that find people. It runs at 256×256; the runner fits your picture to it
# and the answer back to your picture.

# %%
runner = edge.Runner(catalog.find("unet_lite.ccp:int8"))
classes = runner(image)
print(classes.shape, classes.dtype, runner.card.outputs[0].labels)

# %% [markdown]
# ## Use the mask
#
# Cut the person out: the mask becomes the picture's opacity.

# %%
opacity = np.where(classes == 1, 255, 0).astype(np.uint8)
Image.fromarray(np.dstack([image, opacity])).save("person.png")
print(f"person on {(classes == 1).mean():.0%} of the picture")

# %% [markdown]
# On the command line the same is `zoo predict unet_lite.ccp:int8 photo.png`, which also draws an overlay.
# `zoo list --weights` shows the other weights, and `zoo card unet_lite.ccp` what these learnt from.
