"""The peer of smax.py: battles of jaxmarl's SMAX, which runs in an environment of its own.

    python smax_peer.py 3m 256 20  # scenario, battles, decisions per round

For each line of standard input, ``see`` or ``step``, plays rounds of battles for that many
CPU seconds, e.g. ``see 2.0``. Prints the decisions and the CPU seconds. A round is one
compiled call: resets, then a scan over decisions, all battles vmapped. It returns rewards
and ends, and of ``see`` also our side's observations and available actions.
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


def main() -> None:
    battles, decisions = int(sys.argv[2]), int(sys.argv[3])
    play = make_rounds(sys.argv[1], battles, decisions)
    print(f"jaxmarl {jaxmarl.__version__}, jax {jax.__version__}", flush=True)
    for line in sys.stdin:
        name, seconds = line.split()
        play(name, 0)  # compiles
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < float(seconds):
            play(name, count)
            count += 1
        print(count * battles * decisions, spent, flush=True)


if __name__ == "__main__":
    main()
