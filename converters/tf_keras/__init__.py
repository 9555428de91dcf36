"""A Keras 3 model rebuilt in tf_keras, where tfmot lives."""
