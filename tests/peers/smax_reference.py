"""Record steps of jaxmarl 0.2.0's SMAX; support/smax_recording.py compares ours with them.

jaxmarl and JAX are not requirements of this repository, and have an environment of their
own::

    python3 -m venv PEER
    PEER/bin/pip install -c requirements.lock jaxmarl==0.2.0
    PEER/bin/python tests/peers/smax_reference.py tests/peers/smax_reference.npz

The recorded environment is ``HeuristicEnemySMAX`` with the default options of jaxmarl and
of its map: observations ``unit_list`` with ``see_enemy_actions``, discrete actions,
``walls_cause_death``, starts and unit types not SMACv2's, an enemy that shoots the closest.
Only ``step_env`` is used, so nothing is reset at an end.

Each scenario has episodes of three ways of playing our side: ``heuristic`` is the enemy's
player, ``mixed`` acts at random in a third of the decisions, unavailable attacks included,
and ``edge`` walks up, to the edge of the map. All episodes of a scenario are in one array
of rows, the states before each decision and the last; ``starts`` (N + 1,) has their limits.
"""

import argparse
import zipfile
from functools import partial

import jax
import jax.numpy as jnp
import jaxmarl
import numpy as np
from jaxmarl import make
from jaxmarl.environments.smax import map_name_to_scenario
from jaxmarl.environments.smax.heuristic_enemy import (
    create_heuristic_policy,
    get_heuristic_policy_initial_state,
)

SCENARIOS = ("3m", "8m", "2s3z", "5m_vs_6m", "3s5z_vs_3s6z")
MODES = ("heuristic", "mixed", "edge")
SUBSTEPS, DT = 8, 1 / 16
NOISE = 0.3  # of `mixed`


class Recorder:
    """One scenario; compiled functions are shared by its episodes."""

    def __init__(self, name: str):
        self.env = make("HeuristicEnemySMAX", scenario=map_name_to_scenario(name))
        self.inner = self.env._env
        self.allies, self.units = self.env.num_allies, self.inner.num_agents
        self.actions = int(self.inner.num_ally_actions)
        policy = create_heuristic_policy(self.inner, 0)
        initial = [get_heuristic_policy_initial_state()] * self.allies
        self.memory = jax.tree.map(lambda *parts: jnp.stack(parts), *initial)
        self.play = jax.jit(jax.vmap(policy))
        self.enemy = jax.jit(self.env.get_enemy_actions)
        self.decode = jax.jit(self.inner._decode_discrete_actions)
        self.see = jax.jit(self._see)
        self.draws = jax.jit(self._delays)

    def offsets(self, key: jax.Array) -> np.ndarray:
        """Offsets (U, 2) that ``env.reset(key)`` draws."""
        _, inner = jax.random.split(key)
        _, *keys = jax.random.split(inner, 3)
        sizes = (self.allies, self.units - self.allies)
        draw = partial(jax.random.uniform, minval=-2, maxval=2)
        parts = [draw(key, (n, 2)) for key, n in zip(keys, sizes, strict=True)]
        return np.concatenate(parts)

    def _delays(self, key: jax.Array) -> jax.Array:
        """Delays (8, U) that ``step_env_no_decode(key, ...)`` draws."""
        delays = []
        for _ in range(SUBSTEPS):
            key, now = jax.random.split(key)
            keys = jax.random.split(now, self.units)
            draw = partial(jax.random.uniform, minval=-DT, maxval=2 * DT)
            delays.append(jax.vmap(draw)(keys))
        return jnp.stack(delays)

    def used_delays(self, key: jax.Array, state, decoded) -> np.ndarray:
        """The delay (U,) of each unit that hits, else 0; ``key`` as of `_delays`."""
        states = self.inner.step_env_no_decode(key, state, decoded, True)
        cooldowns = np.asarray(states.unit_weapon_cooldowns)  # (8, U), after each sub-step
        first = np.asarray(state.unit_weapon_cooldowns)[None]
        hits = np.diff(np.concatenate([first, cooldowns]), axis=0) > 0
        assert hits.sum(axis=0).max() <= 1
        return (np.asarray(self.draws(key)) * hits).sum(axis=0)

    def _see(self, state) -> tuple[jax.Array, dict]:
        seen, masks = self.inner.get_obs(state), self.inner.get_avail_actions(state)
        return jnp.stack([seen[agent] for agent in self.inner.agents]), masks

    def masks(self, masks: dict) -> np.ndarray:
        """Masks of all units (U, most actions), padded with 2."""
        rows = [np.asarray(masks[agent]) for agent in self.inner.agents]
        most = max(len(row) for row in rows)
        return np.stack([np.pad(r, (0, most - len(r)), constant_values=2) for r in rows])

    def episode(self, mode: str, seed: int, steps: int) -> dict[str, list]:
        """Rows of one episode, up to ``steps`` decisions."""
        generator, key = np.random.default_rng(seed), jax.random.PRNGKey(seed)
        rows: dict[str, list] = {"offsets": [self.offsets(key)]}
        _, state = self.env.reset(key)
        memory, ended, time = self.memory, False, 0

        def add(**values) -> None:
            for name, value in values.items():
                rows.setdefault(name, []).append(np.asarray(value))

        while True:
            world = state.state
            assert (world.unit_alive == (world.unit_health > 0)).all()
            seen, masks = self.see(world)
            add(positions=world.unit_positions, health=world.unit_health)
            add(cooldowns=world.unit_weapon_cooldowns)
            add(observations=seen, available=self.masks(masks))
            if ended or time == steps:
                break
            key, ally_key, step_key = jax.random.split(key, 3)
            ally_keys = jax.random.split(ally_key, self.allies)
            actions, memory = self.play(ally_keys, memory, seen[: self.allies])
            actions = np.array(actions)
            if mode == "mixed":
                coin = generator.random(self.allies) < NOISE
                random = generator.integers(0, self.actions, self.allies)
                actions = np.where(coin, random, actions)
            elif mode == "edge":
                actions[:] = 0
            inner_key, enemy_key = jax.random.split(step_key)  # as in `step_env`
            enemies, _ = self.enemy(
                enemy_key, state.enemy_policy_state, seen[self.allies :]
            )
            every = np.concatenate(
                [actions, [enemies[agent] for agent in self.env.enemy_agents]]
            )
            delays = self.used_delays(inner_key, world, self.decode(jnp.array(every)))
            keys = [*ally_keys, *jax.random.split(enemy_key, self.units - self.allies)]
            # As in the heuristic: its key is split, and `random.choice` uses 1 - uniform.
            choices = [1 - jax.random.uniform(jax.random.split(one)[0]) for one in keys]
            named = dict(zip(self.env.agents, jnp.array(actions), strict=True))
            _, state, rewards, dones, _ = self.env.step_env(step_key, state, named)
            # The environment returns the allies' reward only.
            both = self.inner.compute_reward(
                state.state, world.unit_health, state.state.unit_health
            )
            assert rewards["ally_0"] == both["ally_0"]
            ended, time = bool(dones["__all__"]), time + 1
            add(actions=every.astype(np.int8), delays=delays, choices=choices)
            add(rewards=[both["ally_0"], both["enemy_0"]], ended=ended)
        add(actions=np.full(self.units, -1, np.int8), delays=np.zeros(self.units))
        add(choices=np.ones(self.units), rewards=np.zeros(2), ended=True)
        return rows

    def limit(self) -> int:
        """Decisions of an episode without a winner."""
        _, state = self.env.reset(jax.random.PRNGKey(0))
        stop = {agent: jnp.array(4) for agent in self.env.agents}
        for earlier in range(90, 120):
            world = state.state.replace(step=jnp.array(earlier))
            late = state.replace(state=world)
            if self.env.step_env(jax.random.PRNGKey(1), late, stop)[3]["__all__"]:
                return earlier + 1
        raise SystemExit("found no limit")


def record(name: str, args: argparse.Namespace) -> dict[str, np.ndarray]:
    recorder = Recorder(name)
    rows: dict[str, list] = {}
    starts, modes = [0], []
    for mode in MODES:
        for number in range(args.episodes):
            found = recorder.episode(mode, 100 * number + MODES.index(mode), args.steps)
            starts.append(starts[-1] + len(found["positions"]))
            modes.append(MODES.index(mode))
            for quantity, values in found.items():
                rows.setdefault(quantity, []).extend(values)
    arrays = {quantity: np.array(values) for quantity, values in rows.items()}
    shown = np.linspace(0, starts[-1] - 1, args.observed).astype(int)
    arrays["observations"] = arrays["observations"][shown]
    arrays["observed"] = shown
    for quantity, array in arrays.items():
        if array.dtype == np.float64:
            arrays[quantity] = array.astype(np.float32)
    arrays |= {"starts": np.array(starts), "modes": np.array(modes)}
    arrays["limit"] = np.array(recorder.limit())
    print(f"{name}: {len(modes)} episodes, {starts[-1] - len(modes)} steps", flush=True)
    return {f"{name}.{quantity}": array for quantity, array in arrays.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--episodes", type=int, default=1, help="per mode and scenario")
    parser.add_argument("--steps", type=int, default=45, help="decisions per episode")
    parser.add_argument("--observed", type=int, default=6, help="rows with observations")
    args = parser.parse_args()
    assert jaxmarl.__version__ == "0.2.0", "another version has other rules"
    arrays: dict[str, np.ndarray] = {}
    for name in SCENARIOS:
        arrays |= record(name, args)
    # As `np.savez_compressed`, but better compressed.
    with zipfile.ZipFile(args.out, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


if __name__ == "__main__":
    main()
