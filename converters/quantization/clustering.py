"""Clustering of weights while training goes on, over the tf_keras bridge and tfmot's wrappers."""

from __future__ import annotations

import keras
import tensorflow_model_optimization as tfmot
import tf_keras

from converters.graph import trace
from converters.quantization.batchnorm_folding import fold
from converters.quantization.pruning import KERNELS, warn_of_the_rest
from converters.tensorflow_process import check_backend
from converters.tf_keras.bridge import rebuild
from zoo.errors import InputError


def cluster(model: keras.Model, clusters: int = 16, sparse: bool = False) -> tf_keras.Model:
    """A tf_keras model whose kernels each hold that many different weights, to be trained with `compile` and `fit`.

    Batch normalisation is folded in first, since each channel's own factor would make many weights of few.

    Args:
        model: functional or Sequential.
        clusters: different weights in each kernel.
        sparse: keep the zeros that there are, as `prune` left them.

    Raises:
        InputError: for fewer than two clusters, or a layer without a counterpart.
    """
    check_backend("tf_keras")
    if clusters < 2:
        raise InputError(f"clusters={clusters}; expected 2 or more, such as 16")
    counterpart, _ = rebuild(folded := fold(model), trace(folded))
    options = {
        "number_of_clusters": clusters,
        "cluster_centroids_init": tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS,
        "preserve_sparsity": sparse,
    }

    def wrap(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        if type(layer).__name__ not in KERNELS:
            return layer
        return tfmot.clustering.keras.cluster_weights(layer, **options)

    network = tf_keras.models.clone_model(counterpart, clone_function=wrap)
    warn_of_the_rest(network, "clustered")
    return network
