"""Translation decoder: an LSTM that says anew, word by word, what was read, and looks at the words read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.layers.sentence_decoder import EMPTY, SentenceDecoder


@keras.saving.register_keras_serializable(package="densezoo")
class TranslationDecoder(SentenceDecoder):
    """A `SentenceDecoder` about a sentence: [what was read of each word N×1×S×C, the words' numbers N×1×S×1] → scores.

    Where a number is 0, that of padding, is no word: it is neither looked at nor counted in what the states begin as, whatever
    was read there.
    """

    @property
    def output_options(self) -> dict[str, Any]:
        """What a loop around steps knows, and how many words, the end with them, are read."""
        reads = self.input[1].shape[2] if self._inbound_nodes else None
        return super().output_options | ({} if reads is None else {"reads": reads})

    def call(self, inputs: Sequence[Any], training: bool = False) -> Any:
        memory, words, *right = inputs
        if right:
            return self._follow([memory, words], right[0], training)
        return self._say([memory, words], lambda scores: ops.argmax(scores, axis=-1), training)

    def begin(self, maps: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
        memory, words = maps
        places = memory.shape[2]
        present = ops.cast(ops.minimum(words, 1), memory.dtype)
        share = ops.maximum(ops.sum(present, axis=2, keepdims=True), 1) / places  # of an empty sentence nothing is known
        begun, states = self._begin(memory * present, self.mean(memory * (present / share)))
        return begun | {EMPTY: 1 - ops.reshape(present, (-1, places))}, states
