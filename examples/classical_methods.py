# %% [markdown]
# # Classical methods
#
# Methods that learn nothing, from Otsu's threshold to GrabCut, in the same table as the networks: what does training
# buy?

# %%
import zoo.data
from zoo import classical

print(", ".join(classical.names()))

# %% [markdown]
# ## Regions of one picture
#
# A method divides a picture into regions and does not name them. Parameters follow its name.

# %%
scenes = zoo.data.open("scenes:count=20,size=64", "test")
method = classical.open("kmeans:regions=5")
regions = method.regions(scenes[0].image)
print(regions.shape, sorted(set(regions.ravel().tolist())))

# %% [markdown]
# ## Scores
#
# Scored like a network. Of more than two classes only the truth can name the regions (`oracle=True`), which makes the score
# an upper bound, and the table says so.

# %%
evaluation = classical.evaluate(method, scenes, oracle=True, limit=2)
print({name: round(value, 3) for name, value in evaluation.scores.items()})

# %% [markdown]
# On the command line:
#
# ```sh
# zoo list --classical
# zoo card grabcut                          # what it assumes, and its parameters
# zoo predict kmeans:regions=5 photo.jpg
# zoo evaluate grabcut --data folder:photos
# ```
