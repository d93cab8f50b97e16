"""The control step of a prompt decision transformer as OpenVINO graphs.

The tokens of a step are those that are new in it: the previous action, the return-to-go
and the state. The K - 1 steps before are inputs of the graph.
"""

from collections.abc import Sequence

import numpy as np
from openvino import Model, Output, opset13
from torch import Tensor, nn

from trajprompt.models.blocks import EPSILON
from trajprompt.models.inference import Affine, InferenceBlock, InferenceModel

# Per-token results of the first block, which stay the same while the window slides.
KEPT = ("residuals", "queries", "keys", "values")


class StepGraph:
    """Builder of the graphs of one step for a fixed number of rows B.

    Inputs: ``states`` (B, S), normalised; ``returns`` (B, 1), scaled; ``previous`` (B, A),
    the actions of the step before; ``time_before`` and ``time`` (1, W), the embeddings of
    that step and of this one; ``old_residuals``, ``old_queries`` (B, n, W), ``old_keys``,
    ``old_values`` (B, 3P + n, W), of the prompt's 3P and the n old tokens; ``prompt_<i>``
    (B, 3P, W), the prompt's keys in block i; ``mask`` (1, n + t, 3P + n + t); ``padding``
    (B, 1, 3P + n + t). Outputs: ``actions`` (B, A), and what this step adds to the first
    four ``old_`` inputs for the next one: ``residuals``, .. (B, t, W) of its t tokens.
    """

    def __init__(self, weights: InferenceModel, rows: int, prompt: int, padded: bool):
        self.weights, self.model = weights, weights.model
        self.rows, self.prompt, self.padded = rows, prompt, padded
        self.config = self.model.config
        self.places = self.model.tokens_per_step
        self.old = self.places * (self.config.context_length - 1)
        self.inputs: dict[str, Output] = {}

    def whole(self) -> Model:
        """From states to actions."""
        residuals = self._embed()
        outputs = self._core(residuals)
        actions = self._head(outputs.pop("features"))
        return self._close({**outputs, "residuals": residuals, "actions": actions})

    def embedding(self) -> Model:
        """From states to ``residuals`` (B, t, W), the new tokens."""
        return self._close({"residuals": self._embed()})

    def core(self) -> Model:
        """From ``residuals`` to ``features`` (B, W), the output at the state token."""
        tokens = self._input("residuals", self.rows, self.places, self.config.width)
        return self._close(self._core(tokens))

    def head(self) -> Model:
        """From ``features`` to ``actions`` (B, A)."""
        features = self._input("features", self.rows, self.config.width)
        return self._close({"actions": self._head(features)})

    def _input(self, name: str, *shape: int) -> Output:
        self.inputs[name] = opset13.parameter(list(shape), np.float32).output(0)
        return self.inputs[name]

    def _close(self, outputs: dict[str, Output]) -> Model:
        """Model of ``outputs`` and all inputs that were used since the last one."""
        for name, port in (*self.inputs.items(), *outputs.items()):
            port.set_names({name})
        parameters = [port.get_node() for port in self.inputs.values()]
        self.inputs = {}
        return Model(list(outputs.values()), parameters)

    def _embed(self) -> Output:
        """Tokens (B, t, W) in the order action, return, state."""
        config, embed = self.config, self.model.embed_context
        before = self._input("time_before", 1, config.width)
        now = self._input("time", 1, config.width)
        previous = self._input("previous", self.rows, config.action_dim)
        tokens = [_add(_linear(previous, embed.actions), before)]
        if config.uses_returns:
            returns = self._input("returns", self.rows, 1)
            tokens.append(_add(_linear(returns, embed.returns), now))
        states = self._input("states", self.rows, config.state_dim)
        tokens.append(_add(_linear(states, embed.states), now))
        stacked = [opset13.unsqueeze(token, _constant(1)).output(0) for token in tokens]
        return _norm(_concat(stacked), self.model.norm_context)

    def _core(self, tokens: Output) -> dict[str, Output]:
        first, *between, last = self.weights.blocks
        keys = _norm(tokens, first.norm_attention)
        queries, values = _linear(keys, first.query), _linear(keys, first.value)
        kept = {"queries": queries, "keys": keys, "values": values}
        x, queries, keys, values = (
            self._with_old(*item) for item in {"residuals": tokens, **kept}.items()
        )
        mask = self._mask()
        inputs = _last(keys, self.prompt, axis=1)
        weights, x = self._weigh(first, x, inputs, _scores(queries, keys, mask), True)
        x = self._mlp(first, _add(x, _mixed(weights, values)))
        for i, block in enumerate(between, 1):
            queries = _norm(x, block.norm_attention)
            keys = self._with_prompt(i, queries)
            x = self._outputs(block, x, queries, keys, mask)
        queries = _norm(x, last.norm_attention)
        keys = self._with_prompt(len(between) + 1, queries)
        x = self._outputs(last, _newest(x), _newest(queries), keys, _newest(mask))
        return {**kept, "features": opset13.squeeze(x, _constant(1)).output(0)}

    def _head(self, features: Output) -> Output:
        normalised = _norm(features, self.model.norm_final)
        return opset13.tanh(_linear(normalised, self.model.predict_action)).output(0)

    def _with_old(self, name: str, new: Output) -> Output:
        """The kept values ``name`` of the tokens before, followed by those of this step."""
        tokens = self.old + (self.prompt if name in ("keys", "values") else 0)
        if not tokens:
            return new
        old = self._input(f"old_{name}", self.rows, tokens, self.config.width)
        return _concat([old, new])

    def _with_prompt(self, block: int, keys: Output) -> Output:
        if not self.prompt:
            return keys
        shape = self.rows, self.prompt, self.config.width
        return _concat([self._input(f"prompt_{block}", *shape), keys])

    def _mask(self) -> Output:
        tokens = self.old + self.places
        mask = self._input("mask", 1, tokens, self.prompt + tokens)
        if not self.padded:
            return mask
        return _add(mask, self._input("padding", self.rows, 1, self.prompt + tokens))

    def _outputs(
        self, block: InferenceBlock, x: Output, queries: Output, keys: Output, mask: Output
    ) -> Output:
        """As `InferenceBlock.__call__`."""
        scores = _scores(_linear(queries, block.query), keys, mask)
        weights, x = self._weigh(block, x, queries, scores)
        mixed = _mixed(weights, keys)
        return self._mlp(block, _add(x, _linear(mixed, block.value)))

    def _weigh(
        self,
        block: InferenceBlock,
        x: Output,
        queries: Output,
        scores: Output,
        mapped: bool = False,
    ) -> tuple[Output, Output]:
        """As `InferenceBlock.weigh`."""
        if block.prefix is None:
            return opset13.softmax(scores, -1).output(0), x
        values = block.prefix.values + (block.value.bias if mapped else 0.0)
        both = opset13.concat([_linear(queries, block.prefix.key), scores], -1)
        weights = opset13.softmax(both, -1).output(0)
        length = len(values)
        on_prefix = opset13.slice(weights, *map(_constant, (0, length, 1, 2))).output(0)
        output = opset13.matmul(on_prefix, _weights(values), False, False).output(0)
        return _last(weights, length, axis=2), _add(x, output)

    def _mlp(self, block: InferenceBlock, x: Output) -> Output:
        """As `InferenceBlock.mlp`."""
        hidden = opset13.relu(_linear(_norm(x, block.norm_mlp), block.expand)).output(0)
        out = _add(x, _linear(hidden, block.contract))
        if block.adaptor is None:
            return out
        inner = opset13.gelu(_linear(out, block.adaptor.down), "erf").output(0)
        return _add(out, _linear(inner, block.adaptor.up))


def _scores(queries: Output, keys: Output, mask: Output) -> Output:
    return opset13.add(opset13.matmul(queries, keys, False, True), mask).output(0)


def _mixed(weights: Output, values: Output) -> Output:
    return opset13.matmul(weights, values, False, False).output(0)


def _linear(x: Output, layer: Affine | nn.Linear) -> Output:
    product = opset13.matmul(x, _weights(layer.weight), False, True)
    return opset13.add(product, _weights(layer.bias)).output(0)


def _norm(x: Output, layer: Affine | nn.LayerNorm) -> Output:
    normalised = opset13.mvn(x, _constant(-1), True, EPSILON, "inside_sqrt")
    scaled = opset13.multiply(normalised, _weights(layer.weight))
    return opset13.add(scaled, _weights(layer.bias)).output(0)


def _add(a: Output, b: Output) -> Output:
    return opset13.add(a, b).output(0)


def _concat(parts: Sequence[Output]) -> Output:
    return opset13.concat(list(parts), 1).output(0)


def _newest(x: Output) -> Output:
    """The last token of (B, n, ..), which is the state of this step."""
    arguments = (_constant(i) for i in (-1, 2**31 - 1, 1, 1))  # start, stop, step, axis
    return opset13.slice(x, *arguments).output(0)


def _last(x: Output, first: int, axis: int) -> Output:
    """The elements of ``axis`` from number ``first`` to the end."""
    if not first:
        return x
    arguments = (_constant(i) for i in (first, 2**31 - 1, 1, axis))
    return opset13.slice(x, *arguments).output(0)


def _constant(value: int) -> Output:
    return opset13.constant(np.array([value], np.int64)).output(0)


def _weights(tensor: Tensor) -> Output:
    return opset13.constant(tensor.detach().float().numpy()).output(0)
