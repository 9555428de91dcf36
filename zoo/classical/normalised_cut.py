"""Normalised cut: the picture as a graph, parted where little is cut compared with what each part is joined by.

J. Shi and J. Malik, "Normalized Cuts and Image Segmentation", IEEE Trans. Pattern Analysis and Machine Intelligence 22(8),
2000.

It assumes that likeness between nearby places says what belongs together, and it prefers parts of balanced size. Different
from the paper: the nodes are SLIC superpixels (Achanta et al. 2012, scikit-image), not pixels, which makes the graph small
enough for a dense eigenvalue problem. The weights are the paper's, exp(−‖F_i − F_j‖² / σ_I²) · exp(−‖X_i − X_j‖² / σ_X²) within
a radius; so are the split, where Ncut is least along the second eigenvector, and the recursion, which takes the part
whose split costs least until there are as many `regions` as asked for.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.colours import lab
from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper("Normalized Cuts and Image Segmentation", "Shi, Malik", 2000, "https://doi.org/10.1109/34.868688")
RADIUS = 3.0  # in σ_X: beyond it the weight is 0 (it would be below e⁻⁹)


@method(
    paper=PAPER,
    parameters={
        "regions": "how many, 2–64; in evaluation by default as many as the data have classes",
        "superpixels": "about how many nodes, 16–1000",
        "colour": "σ_I, in CIELAB, whose L is 0–100",
        "distance": "σ_X, as a share of the picture's longer side",
    },
)
def normalised_cut(
    image: np.ndarray, *, regions: int = 2, superpixels: int = 300, colour: float = 12.0, distance: float = 0.15
) -> np.ndarray:
    """The part that each pixel's superpixel is in."""
    from skimage.segmentation import slic

    within("regions", regions, 2, 64)
    within("superpixels", superpixels, 16, 1000)
    within("colour", colour, 1e-3, None)
    within("distance", distance, 1e-3, None)
    colours = lab(image)
    nodes = slic(colours, superpixels, compactness=10, convert2lab=False, start_label=0)
    weights = affinities(nodes, colours, colour, distance * max(nodes.shape))
    parts = cut_into(weights, regions)
    label = np.empty(len(weights), np.int64)
    for number, part in enumerate(parts):
        label[part] = number
    return label[nodes]


def affinities(nodes: np.ndarray, colours: np.ndarray, sigma_colour: float, sigma_place: float) -> np.ndarray:
    """The weights between all pairs of superpixels, n×n, from their mean colours and places."""
    area = np.bincount(nodes.ravel())
    columns = [*np.moveaxis(colours, -1, 0), *np.indices(nodes.shape)]
    means = np.stack([np.bincount(nodes.ravel(), column.ravel()) / np.maximum(area, 1) for column in columns], axis=1)

    def squares(x: np.ndarray) -> np.ndarray:
        return ((x[:, None] - x[None]) ** 2).sum(axis=2)

    far = squares(means[:, 3:]) / sigma_place**2
    return np.exp(-squares(means[:, :3]) / sigma_colour**2 - far) * (far <= RADIUS**2)


def cut_into(weights: np.ndarray, regions: int) -> list[np.ndarray]:
    """The nodes of each part: at most `regions`, fewer where parts are single nodes."""
    whole = np.arange(len(weights))
    open_parts = [(whole, best_split(weights))]
    while len(open_parts) < regions:
        cheapest = min(range(len(open_parts)), key=lambda i: open_parts[i][1][0])
        part, (cost, side) = open_parts[cheapest]
        if not np.isfinite(cost):
            break
        halves = (part[side], part[~side])
        open_parts[cheapest : cheapest + 1] = [(half, best_split(weights[np.ix_(half, half)])) for half in halves]
    return [part for part, _ in open_parts]


def best_split(weights: np.ndarray) -> tuple[float, np.ndarray]:
    """The least normalised cut of a graph along its second generalised eigenvector, and which nodes are on one side.

    Returns:
        (Ncut in 0–2, bool n); a graph of one node costs infinity.
    """
    count = len(weights)
    if count < 2:
        return float("inf"), np.zeros(count, bool)
    degree = weights.sum(axis=1)
    scale = 1 / np.sqrt(degree)
    _, vectors = np.linalg.eigh(np.eye(count) - scale[:, None] * weights * scale)
    # Nodes in the eigenvector's order: what each place in it would cut is a sum over a corner of the weights.
    order = np.argsort(vectors[:, 1] * scale, kind="stable")
    inside = np.cumsum(np.cumsum(weights[np.ix_(order, order)], axis=0), axis=1).diagonal()[:-1]
    joined = np.cumsum(degree[order])[:-1]
    cut = joined - inside
    costs = cut / joined + cut / (degree.sum() - joined)
    best = int(np.argmin(costs))
    side = np.zeros(count, bool)
    side[order[: best + 1]] = True
    return float(costs[best]), side
