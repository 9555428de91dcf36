# %% [markdown]
# # The app on your phone
#
# An installable page runs your file on the visitor's own device, through LiteRT.js: WebGPU where there is one, WebAssembly
# elsewhere. Pictures and the camera never leave the device, and it works offline.

# %% [markdown]
# ![The app on a desktop: a scene with the answers of two files side by side](../app-desktop.png)
#
# ## On this machine, then on the phones of this network
#
# ```sh
# zoo demo model.tflite              # http://localhost:8000
# zoo demo model.tflite --lan        # HTTPS and a QR code, for phones in the same network
# zoo demo                           # the shipped files
# ```
#
# Browsers open the camera on HTTPS pages only, so `--lan` makes a certificate for the run. Compare the fingerprint that the
# terminal prints with the one that the phone shows, then go on past its warning. Everyone in the network can open the page.

# %% [markdown]
# ## As a static site
#
# Any web server with HTTPS can host what this leaves, as `zoo demo model.tflite --export site` does.

# %%
from pathlib import Path

import edge
from zoo.pretrained import catalog

files = [catalog.find("unet_lite.ccp:int8"), catalog.find("pocket_seg.camvid:int8")]
edge.export_app("site", files)
print(sorted(path.name for path in Path("site").iterdir()))

# %% [markdown]
# ![The app on a phone: a scene with its mask, and the classes below](../app-phone.png)
#
# Two models stand side by side or under one slider; files of one network are one entry with switches for recipe and
# resolution. The scores inside the files are shown beside them: `zoo evaluate FILE --record` writes them there.
