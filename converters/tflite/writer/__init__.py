"""A writer of `.tflite` files from Keras graphs, without TensorFlow.

    graph = lowering.lower(model, [(1, 224, 224, 3)], ["image"], ["answer"])    # layers → operators (`graph.Graph`)
    pipeline.optimize(graph)                                                    # folding, fusing, better forms
    flatbuffer.Writer(graph).blocks()                                           # the file's bytes, weights streamed

`registry` says how a new layer gets its form. Nothing here imports TensorFlow, JAX or PyTorch.
"""
