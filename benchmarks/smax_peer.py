"""The peer of smax.py: battles of jaxmarl's SMAX, which runs in an environment of its own.

    python smax_peer.py 3m 256 20  # scenario, battles, decisions per round

For each line of standard input, ``see`` or ``step``, plays rounds of battles for that many
CPU seconds, e.g. ``see 2.0``. Prints the decisions and the CPU seconds. A round is one
compiled call: resets, then a scan over decisions, all battles vmapped. It returns rewards
and ends, and of ``see`` also our side's observations and available actions.

For a line such as ``wins 0.3``, plays the battles once to their ends, with the enemy's
player for our side and that probability of a random available action. Prints the wins, the
losses and the mean return.
"""

import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # XLA ignores OMP_NUM_THREADS

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import jaxmarl  # noqa: E402
from jaxmarl.environments.smax import map_name_to_scenario  # noqa: E402
from jaxmarl.environments.smax.heuristic_enemy import (  # noqa: E402
    create_heuristic_policy,
    get_heuristic_policy_initial_state,
)

LIMIT = 101  # decisions


def make_rounds(name: str, battles: int, decisions: int):
    """Functions of a key that play a round, by name."""
    env = jaxmarl.make("HeuristicEnemySMAX", scenario=map_name_to_scenario(name))
    count = env.num_enemies + 5

    def battle(key, chosen, sees):
        def decide(carry, chosen):
            key, state, seen = carry
            key, now = jax.random.split(key)
            kept = (stacked(seen), stacked(env.get_avail_actions(state))) if sees else ()
            actions = dict(zip(env.agents, chosen, strict=True))
            seen, state, rewards, dones, _ = env.step_env(now, state, actions)
            return (key, state, seen), (kept, rewards["ally_0"], dones["__all__"])

        def stacked(by_agent):
            return jnp.stack([by_agent[agent] for agent in env.agents])

        seen, state = env.reset(key)
        return jax.lax.scan(decide, (key, state, seen), chosen)[1]

    def made(sees):
        def round_(key, chosen):
            keys = jax.random.split(key, battles)
            return jax.vmap(lambda key, chosen: battle(key, chosen, sees))(keys, chosen)

        return jax.jit(round_)

    shape = (battles, decisions, env.num_agents)
    chosen = jax.random.randint(jax.random.PRNGKey(0), shape, 0, count)
    rounds = {"see": made(True), "step": made(False)}

    def play(name, seed):
        jax.block_until_ready(rounds[name](jax.random.PRNGKey(seed), chosen))

    return play


def make_wins(name: str, battles: int):
    """Function of the noise: counts of wins and losses, and the mean return."""
    env = jaxmarl.make("HeuristicEnemySMAX", scenario=map_name_to_scenario(name))
    allies = env.num_allies
    policy = jax.vmap(create_heuristic_policy(env._env, 0))
    initial = [get_heuristic_policy_initial_state()] * allies
    memory = jax.tree.map(lambda *parts: jnp.stack(parts), *initial)

    def battle(key, noise):
        def decide(carry, _):
            key, state, seen, memory, ended, total, result = carry
            key, walk, coin, number, now = jax.random.split(key, 5)
            views = jnp.stack([seen[agent] for agent in env.agents])
            chosen, memory = policy(jax.random.split(walk, allies), memory, views)
            masks = env.get_avail_actions(state)
            mask = jnp.stack([masks[agent] for agent in env.agents])
            others = jax.random.categorical(number, jnp.where(mask > 0, 0.0, -jnp.inf))
            random = jax.random.uniform(coin, (allies,)) < noise
            chosen = jnp.where(random, others, chosen)
            actions = dict(zip(env.agents, chosen, strict=True))
            seen, state, rewards, dones, _ = env.step_env(now, state, actions)
            alive = state.state.unit_alive
            left = jnp.stack([alive[:allies].any(), alive[allies:].any()])
            total += jnp.where(ended, 0.0, rewards["ally_0"])
            result = jnp.where(ended, result, left & ~left[::-1])
            ended |= dones["__all__"]
            return (key, state, seen, memory, ended, total, result), None

        key, first = jax.random.split(key)
        seen, state = env.reset(first)
        lost = jnp.zeros(2, bool)
        carry = (key, state, seen, memory, jnp.array(False), jnp.array(0.0), lost)
        (*_, total, result), _ = jax.lax.scan(decide, carry, length=LIMIT)
        return total, result

    played = jax.jit(jax.vmap(battle, in_axes=(0, None)))

    def wins(noise):
        totals, results = played(jax.random.split(jax.random.PRNGKey(0), battles), noise)
        return int(results[:, 0].sum()), int(results[:, 1].sum()), float(totals.mean())

    return wins


def main() -> None:
    battles, decisions = int(sys.argv[2]), int(sys.argv[3])
    play = make_rounds(sys.argv[1], battles, decisions)
    wins = make_wins(sys.argv[1], battles)
    print(f"jaxmarl {jaxmarl.__version__}, jax {jax.__version__}", flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        if name == "wins":
            print(*wins(float(seconds)), flush=True)
            continue
        play(name, 0)  # compiles
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < float(seconds):
            play(name, count)
            count += 1
        print(count * battles * decisions, spent, flush=True)


if __name__ == "__main__":
    main()
