"""The peer of offline.py: updates of d3rlpy, which runs in an environment of its own.

    python offline_peer.py td3-bc 256 256  # kind, units per layer, transitions per batch

For each line of standard input, ``draw`` or ``given``, does updates for that many CPU
seconds, e.g. ``draw 2.0``, with batches drawn from its buffer or drawn before. Prints the
updates and the CPU seconds. Sizes and options are those of offline.py.
"""

import sys
import time
import warnings

import numpy as np
import torch

warnings.simplefilter("ignore")

import d3rlpy  # noqa: E402
from d3rlpy.models.encoders import VectorEncoderFactory  # noqa: E402

STATES, ACTIONS, EPISODES, STEPS = 17, 6, 20, 1000  # sizes of halfcheetah
GIVEN = 64  # batches of `given`


def algorithm(kind: str, width: int, batch: int) -> "d3rlpy.algos.QLearningAlgoBase":
    def encoder(layers: int, layer_norm: bool = False) -> VectorEncoderFactory:
        return VectorEncoderFactory([width] * layers, use_layer_norm=layer_norm)

    def both(layers: int) -> dict[str, VectorEncoderFactory]:
        one = encoder(layers)
        return {"actor_encoder_factory": one, "critic_encoder_factory": one}

    algos = d3rlpy.algos
    if kind == "bc":
        config = algos.BCConfig(batch, 3e-4, encoder_factory=encoder(2))
    elif kind == "td3-bc":
        config = algos.TD3PlusBCConfig(batch_size=batch, **both(2))
    elif kind == "iql":
        value = encoder(2)
        config = algos.IQLConfig(batch_size=batch, value_encoder_factory=value, **both(2))
    elif kind == "cql":
        rates = {"actor_learning_rate": 3e-5, "temp_learning_rate": 3e-5}
        config = algos.CQLConfig(
            batch_size=batch,
            alpha_learning_rate=0.0,  # a fixed weight of the penalty
            conservative_weight=10.0,
            **rates,
            **both(3),
        )
    else:
        encoders = both(3) | {"critic_encoder_factory": encoder(3, layer_norm=True)}
        config = algos.ReBRACConfig(batch_size=batch, **encoders)
    return config.create(device=False)


def dataset() -> "d3rlpy.dataset.MDPDataset":
    generator = np.random.default_rng(0)
    rows = EPISODES * STEPS
    ends = np.zeros(rows, np.float32)
    ends[STEPS - 1 :: STEPS] = 1.0
    return d3rlpy.dataset.MDPDataset(
        generator.standard_normal((rows, STATES)).astype(np.float32),
        generator.uniform(-1, 1, (rows, ACTIONS)).astype(np.float32),
        generator.standard_normal(rows).astype(np.float32),
        np.zeros(rows, np.float32),
        ends,
    )


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    kind, batch = sys.argv[1], int(sys.argv[3])
    learner, data = algorithm(kind, int(sys.argv[2]), batch), dataset()
    learner.build_with_dataset(data)
    given = [data.sample_transition_batch(batch) for _ in range(GIVEN)]
    print(f"d3rlpy {d3rlpy.__version__}, torch {torch.__version__}", flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < float(seconds):
            drawn = name == "draw"
            learner.update(
                data.sample_transition_batch(batch) if drawn else given[count % GIVEN]
            )
            count += 1
        print(count, spent, flush=True)


if __name__ == "__main__":
    main()
