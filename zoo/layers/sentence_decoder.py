"""Sentence decoder: an LSTM that says, word by word, what is in a map of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from zoo.errors import InputError
from zoo.layers.field import Field, Shape, united
from zoo.layers.output import ModelOutput, model_output
from zoo.layers.primitives import Primitives
from zoo.layers.soft_attention import SoftAttention
from zoo.layers.token_embedding import TokenEmbedding
from zoo.outputs.spec import InputSpec, OutputSpec

# Of the places of a map: what is fetched from them, what is looked for in them, and, where some are none, 1 for those.
FEATURES, KEYS, EMPTY = "features", "keys", "empty"
STATES = ("lstm_h", "lstm_c")  # what a step hands to the next one
ATTENTION, WORD = "attention", "word"


@keras.saving.register_keras_serializable(package="densezoo")
class SentenceDecoder(keras.layers.Layer):
    """Says a sentence about a map N×h×w×C: scores N×length×vocabulary of the word at each place.

    Asked alone it goes on from its own likeliest words. Asked with the right words too, [map, N×length numbers], it says each
    word behind those that are right, whatever it would have said itself: teacher forcing, by which it is trained
    (`zoo.layers.supervised`).

    With `attention` it looks at the places of the map anew for each word (Xu et al. 2015): both states begin as functions of
    the places' mean; a gate weighs what was fetched; word, state and what was fetched are summed up before the scores. Without
    it sees the mean once, as if that were the word before the first (Vinyals et al. 2015).

    A device runs it in two parts: `begin` once a picture, `step` once a word.

    Args:
        vocabulary: words, and marks that begin and end a sentence and fill it up.
        length: words of an answer, the end with them.
        units: of the LSTM.
        embedding: width of a word's vector.
        attention: width of the keys; 0 for none.
        dropout: share of what the scores are made of that is left out in training.
        start: the number that every sentence begins behind.
    """

    quantization, carries = "rounds", 0

    def __init__(
        self,
        vocabulary: int,
        length: int,
        units: int,
        embedding: int,
        attention: int = 0,
        dropout: float = 0.0,
        start: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary, self.length, self.units, self.embedding = vocabulary, length, units, embedding
        self.attention, self.rate, self.start = attention, dropout, start
        policy, dense = {"dtype": self.dtype_policy}, keras.layers.Dense
        self.words = TokenEmbedding(vocabulary, embedding, name="words", **policy)
        self.cell = keras.layers.LSTMCell(units, unit_forget_bias=True, name="cell", **policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout", **policy)
        self.scores = dense(vocabulary, name="scores", **policy)
        self.vector = keras.layers.Reshape((embedding,), name="vector", **policy)
        self.mean = keras.layers.GlobalAveragePooling2D(name="mean", **policy)
        if not attention:
            self.picture = dense(embedding, name="picture", **policy)
            self.alone = keras.layers.Reshape((1, embedding), name="alone", **policy)
            self.once = keras.layers.RNN(self.cell, return_state=True, unroll=True, name="once", **policy)
            return
        self.keys = dense(attention, use_bias=False, name="to_keys", **policy)
        self.first = [dense(units, activation="tanh", name=f"first_{name}", **policy) for name in STATES]
        self.look = SoftAttention(name="look", **policy)
        self.weigh = keras.layers.Multiply(name="weigh", **policy)
        self.heard = keras.layers.Concatenate(name="heard", **policy)
        self.of_state = dense(embedding, use_bias=False, name="of_state", **policy)
        self.of_places = dense(embedding, use_bias=False, name="of_places", **policy)
        self.total = keras.layers.Add(name="total", **policy)

    @property
    def output_options(self) -> dict[str, Any]:
        """What a loop around steps knows: the number that begins a sentence, and when to stop."""
        return {"start": self.start, "length": self.length}

    def build(self, input_shape: Any) -> None:
        batch, *sides, channels = input_shape[0] if isinstance(input_shape[0], Sequence) else input_shape
        self.words.build((batch, 1, 1, 1))
        self.mean.build((batch, *sides, channels))
        self.scores.build((batch, self.embedding if self.attention else self.units))
        if not self.attention:
            self.picture.build((batch, channels))
            self.once.build((batch, 1, self.embedding))
        else:
            self.gate = keras.layers.Dense(channels, activation="sigmoid", name="gate", dtype=self.dtype_policy)
            self.places = keras.layers.Reshape((-1, channels), name="places", dtype=self.dtype_policy)
            self.keys.build((batch, None, channels))
            self.look.build([(batch, self.units), (batch, None, channels), (batch, None, self.attention)])
            for layer in self.first:
                layer.build((batch, channels))
            self.gate.build((batch, self.units))
            self.cell.build((batch, self.embedding + channels))
            self.of_state.build((batch, self.units))
            self.of_places.build((batch, channels))
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not isinstance(inputs, (list, tuple)):
            return self._say(inputs, lambda scores: ops.argmax(scores, axis=-1), training)
        return self._follow(*inputs, training)

    def _follow(self, maps: Any, right: Any, training: bool) -> Any:
        """The scores of each word behind those that are right."""
        before = ops.concatenate([ops.full_like(right[:, :1], self.start), right[:, :-1]], axis=1)
        vectors = self.words(ops.expand_dims(ops.expand_dims(before, 1), -1))
        memory, states = self.begin(maps)
        heard = []
        for place in range(self.length):
            sums, states, _ = self.hear(vectors[:, 0, place], states, memory)
            heard.append(sums)
        return self.scores(self.dropout(ops.stack(heard, axis=1), training=training))

    def lower(self, inputs: Any, primitives: Primitives) -> Any:
        """Keras's argmax is none that TFLite has."""
        return self._say(inputs, lambda scores: primitives.argmax(scores, -1), False)

    def _say(self, maps: Any, choose: Any, training: bool) -> Any:
        """The scores of a sentence that goes on from its own words."""
        memory, states = self.begin(maps)
        word, said = ops.full_like(states[0][:, :1], self.start), []
        for place in range(self.length):
            scores, states, _ = self.step(ops.reshape(word, (-1, 1, 1, 1)), states, memory, training)
            said.append(scores)
            if place + 1 < self.length:
                word = ops.cast(choose(scores), scores.dtype)
        return ops.stack(said, axis=1)

    def begin(self, maps: Any) -> tuple[dict[str, Any], list[Any]]:
        """What a map N×h×w×C is to all steps, by name, and the states before the first of them."""
        return self._begin(maps, self.mean(maps))

    def _begin(self, maps: Any, mean: Any) -> tuple[dict[str, Any], list[Any]]:
        """The same of a map whose places have that mean."""
        if not self.attention:
            return {}, list(self.once(self.alone(self.picture(mean)))[1:])
        places = self.places(maps)
        return {FEATURES: places, KEYS: self.keys(places)}, [layer(mean) for layer in self.first]

    def step(
        self, word: Any, states: Sequence[Any], memory: Mapping[str, Any], training: bool = False
    ) -> tuple[Any, list[Any], Any]:
        """One word N×1×1×1 and the states before it → the scores N×vocabulary of the next one, the states behind it, and with
        attention the shares N×P that the places had."""
        sums, states, shares = self.hear(self.vector(self.words(word)), states, memory)
        return self.scores(self.dropout(sums, training=training)), states, shares

    def hear(self, vector: Any, states: Sequence[Any], memory: Mapping[str, Any]) -> tuple[Any, list[Any], Any]:
        """A word's vector N×embedding → what the scores are made of, the states behind it, and the shares or None."""
        if not self.attention:
            result, states = self.cell(vector, list(states))
            return result, list(states), None
        empty = [memory[EMPTY]] if EMPTY in memory else []
        fetched, shares = self.look([states[0], memory[FEATURES], memory[KEYS], *empty])
        fetched = self.weigh([fetched, self.gate(states[0])])
        result, states = self.cell(self.heard([vector, fetched]), list(states))
        return self.total([vector, self.of_state(result), self.of_places(fetched)]), list(states), shares

    def shown(self) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """An input for the right words, N×length, which it is shown while it learns, and what it says then."""
        truth = keras.Input((self.length,), dtype="int32", name="right_words")
        return truth, self([*keras.tree.flatten(self.input), truth])

    def compute_output_spec(self, inputs: Any, training: bool = False) -> keras.KerasTensor:
        maps = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        return keras.KerasTensor((maps.shape[0], self.length, self.vocabulary), dtype=self.compute_dtype)

    def macs(self, input_shapes: list[Shape], output_shape: Shape) -> int:
        """What begins, and a step for each word."""
        _, height, width, channels = input_shapes[0]
        cell = sum(kernel.shape[0] * kernel.shape[1] for kernel in (self.cell.kernel, self.cell.recurrent_kernel))
        scores = self.scores.kernel.shape[0] * self.vocabulary
        if not self.attention:
            return channels * self.embedding + cell + self.length * (cell + scores)
        places = height * width
        look = self.look.macs([(1, self.units), (1, places, channels), (1, places, self.attention)], ())
        summed = (self.units + channels) * self.embedding
        begun = places * channels * self.attention + len(STATES) * channels * self.units
        return begun + self.length * (look + self.units * channels + cell + summed + scores)

    def receptive_field(self, fields: Sequence[Field], input_shapes: list[Shape], output_shape: Shape) -> Field:
        """All of the picture."""
        return Field(united(fields).lines, True)

    def get_config(self) -> dict[str, Any]:
        own = {"length": self.length, "units": self.units, "embedding": self.embedding, "attention": self.attention}
        return {**super().get_config(), "vocabulary": self.vocabulary, **own, "dropout": self.rate, "start": self.start}


def encoder_network(model: keras.Model) -> keras.Model:
    """From a model's own input to what its steps start from: the states before the first, and what all of them look at.

    It shares every layer with `model`. Its outputs are a dict by the names of the inputs of `word_network`.

    Args:
        model: one that ends in a `SentenceDecoder`.

    Raises:
        InputError: for another.
    """
    decoder, maps, last = _parts(model)
    memory, states = decoder.begin(maps)
    outputs = memory | dict(zip(STATES, states, strict=True))
    ends = {name: ModelOutput(last.task, _numbers(name), name=name)(tensor) for name, tensor in outputs.items()}
    return keras.Model(model.inputs[0] if len(model.inputs) == 1 else model.inputs, ends, name=model.name)


def word_network(model: keras.Model) -> keras.Model:
    """The network of one word: a word, the states before it and what the encoder saw in; the scores of the next word out.

    It shares every layer with `model`. The first input is the word's number, N×1×1×1; then comes what `encoder_network` gives,
    by the same names, of which the states are fed back. Outputs are a dict of the answer, the states for the next word, and
    with attention where it looked, N×h×w×1, shares that sum to 1.

    Args:
        model: one that ends in a `SentenceDecoder`, over a map of known size.

    Raises:
        InputError: for another, and for one of any size.
    """
    decoder, maps, last = _parts(model)
    sides = (maps[0] if isinstance(maps, list) else maps).shape[1:3]
    if decoder.attention and None in sides:
        raise InputError(
            f"{model.name} takes pictures of any size, and looks at as many places as its map then has; build it for one, "
            "input_shape=(height, width, 3)"
        )
    memory, states = _symbolic(decoder.begin(maps))
    word = keras.Input((1, 1, 1), name=WORD)
    scores, after, shares = decoder.step(word, list(states.values()), memory)
    inputs = [InputSpec(WORD, (1, 1), 1)]
    inputs += [InputSpec(name, None, tensor.shape[-1], None, layout="") for name, tensor in memory.items()]
    inputs += [InputSpec(name, None, decoder.units, None, layout="", feedback=f"{name}_next") for name in STATES]
    spec = OutputSpec("tokens", last.spec.name, labels=last.spec.labels, scale=None, options=last.spec.options)
    outputs = {spec.name: ModelOutput(last.task, spec, inputs, name=spec.name)(scores)}
    for name, state in zip(STATES, after, strict=True):
        outputs[f"{name}_next"] = ModelOutput(last.task, _numbers(f"{name}_next"), name=f"{name}_next")(state)
    if shares is not None:
        shares = keras.layers.Reshape((*sides, 1), name="shares")(shares)
        outputs[ATTENTION] = ModelOutput(last.task, _numbers(ATTENTION), name=ATTENTION)(shares)
    return keras.Model([word, *memory.values(), *states.values()], outputs, name=model.name)


def _parts(model: keras.Model) -> tuple[SentenceDecoder, keras.KerasTensor, ModelOutput]:
    """The decoder that a model ends in, the map that it is given, and the output behind it."""
    last = model_output(model)
    decoder = None if last is None else last.input._keras_history.operation
    if not isinstance(decoder, SentenceDecoder):
        raise InputError(f"{model.name} says no sentences: expected a network of this zoo that ends in a SentenceDecoder")
    return decoder, decoder.input, last


def _symbolic(
    begun: tuple[dict[str, keras.KerasTensor], list[keras.KerasTensor]],
) -> tuple[dict[str, keras.KerasTensor], dict[str, keras.KerasTensor]]:
    """Inputs of the shapes of what begins a sentence: what all steps look at, and the states, by name."""
    memory, states = begun
    named = memory | dict(zip(STATES, states, strict=True))
    inputs = {name: keras.Input(tensor.shape[1:], name=name) for name, tensor in named.items()}
    return {name: inputs[name] for name in memory}, {name: inputs[name] for name in STATES}


def _numbers(name: str) -> OutputSpec:
    return OutputSpec("numbers", name, scale=None)
