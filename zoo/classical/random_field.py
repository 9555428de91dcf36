"""A Markov random field: each region has a Gaussian of colours, and neighbours would rather be of one region (Potts).

S. Geman and D. Geman, "Stochastic Relaxation, Gibbs Distributions, and the Bayesian Restoration of Images", IEEE Trans.
Pattern Analysis and Machine Intelligence 6(6), 1984; minimised by the iterated conditional modes of J. Besag, "On the
Statistical Analysis of Dirty Pictures", J. Royal Statistical Society B 48(3), 1986.

It assumes that regions are smooth and that a region's colours are one Gaussian. The energy is the sum over pixels of
−log N(colour; mean, covariance of its region) and of `smoothness` for each pair of 4-neighbours that differ. It begins
from k-means; in turns every other pixel takes its cheapest region given its neighbours (those of one turn are no
neighbours, so the energy never rises), and the Gaussians are fitted anew. That ends in a local minimum. Why not a better
one: GrabCut is the member of this family that is minimised by a graph cut; scikit-image's random walker needs seeds and
minutes for a photograph. This one is numpy alone, for any number of regions.
"""

from __future__ import annotations

import numpy as np

from zoo.classical.colours import lab
from zoo.classical.kmeans import PARAMETERS, kmeans
from zoo.classical.method import method, within
from zoo.paper import Paper

PAPER = Paper(
    "Stochastic Relaxation, Gibbs Distributions, and the Bayesian Restoration of Images",
    "Geman, Geman",
    1984,
    "https://doi.org/10.1109/TPAMI.1984.4767596",
)
NOISE = 2.0  # the least standard deviation of a region, in CIELAB: a region of one colour has no Gaussian


@method(
    paper=PAPER,
    parameters={
        **PARAMETERS,
        "smoothness": "cost of two neighbours in different regions, in nats",
        "rounds": "of turns and fitting at most, 1 or more",
    },
)
def random_field(
    image: np.ndarray, *, regions: int = 2, seed: int = 0, smoothness: float = 1.5, rounds: int = 12
) -> np.ndarray:
    """Each pixel's region after the last turn, or once nothing changes."""
    within("smoothness", smoothness, 0, None)
    within("rounds", rounds, 1, None)
    labels = kmeans(image, regions=regions, seed=seed).astype(np.int64)
    colours = lab(image).astype(np.float64)
    for _ in range(rounds):
        costs = appearance(colours, labels, regions)
        before, labels = labels, turn(labels, costs, smoothness)
        if np.array_equal(before, labels):
            break
    return labels


def appearance(colours: np.ndarray, labels: np.ndarray, regions: int) -> np.ndarray:
    """−log of each region's Gaussian at each pixel, regions×H×W, less a constant; infinite for a region without pixels."""
    flat = colours.reshape(-1, 3).T
    # ½(c − m)ᵀP(c − m) is a sum of ten monomials of c, so all regions at all pixels are one product of two matrices.
    rows, columns = np.triu_indices(3)
    monomials = np.concatenate([flat[rows] * flat[columns], flat, np.ones((1, flat.shape[1]))])
    factors = np.zeros((regions, 10))
    for region in range(regions):
        own = flat[:, labels.ravel() == region]
        if not own.size:
            factors[region, -1] = np.inf
            continue
        mean = own.mean(axis=1)
        covariance = np.einsum("in,jn->ij", own - mean[:, None], own - mean[:, None]) / own.shape[1] + NOISE**2 * np.eye(3)
        precision = np.linalg.inv(covariance)
        factors[region, :6] = np.where(rows == columns, 0.5, 1.0) * precision[rows, columns]
        factors[region, 6:9] = -precision @ mean
        factors[region, 9] = 0.5 * mean @ precision @ mean + 0.5 * np.linalg.slogdet(covariance)[1]
    return (factors @ monomials).astype(np.float32).reshape(regions, *labels.shape)


def turn(labels: np.ndarray, costs: np.ndarray, smoothness: float) -> np.ndarray:
    """The labels after each pixel, first the black ones of a chessboard and then the white, took its cheapest region."""
    labels = labels.copy()
    black = np.indices(labels.shape).sum(axis=0) % 2 == 0
    for colour in (black, ~black):
        same = np.zeros(costs.shape, np.float32)  # how many 4-neighbours of each pixel are in each region
        for region, count in enumerate(same):
            own = labels == region
            for to, of in (([1, None], [None, -1]), ([None, -1], [1, None])):
                count[slice(*to)] += own[slice(*of)]
                count[:, slice(*to)] += own[:, slice(*of)]
        labels[colour] = (costs - smoothness * same).argmin(axis=0)[colour]
    return labels


def energy(labels: np.ndarray, costs: np.ndarray, smoothness: float) -> float:
    """The energy that the turns make smaller, in nats."""
    differ = (labels[1:] != labels[:-1]).sum() + (labels[:, 1:] != labels[:, :-1]).sum()
    return float(np.take_along_axis(costs, labels[None], axis=0).sum(dtype=np.float64) + smoothness * differ)
