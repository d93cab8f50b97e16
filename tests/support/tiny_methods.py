"""Tiny options of every method, and fake simulators."""

from types import SimpleNamespace

import numpy as np
import pytest

from trajprompt.tuning import oracle
from trajprompt.tuning.finetuning import FinetuneOptions
from trajprompt.tuning.methods.adaptor import AdaptorOptions
from trajprompt.tuning.methods.cma_es import CmaEsOptions
from trajprompt.tuning.methods.diffuser_ptdt import DiffuserPtdtOptions
from trajprompt.tuning.methods.gaussian_search import GaussianSearchOptions
from trajprompt.tuning.methods.hill_climbing import HillClimbingOptions
from trajprompt.tuning.methods.lora import LoraOptions
from trajprompt.tuning.methods.none import NoOptions
from trajprompt.tuning.methods.prefix_tuning import PrefixOptions
from trajprompt.tuning.methods.prompt_bandit import BanditOptions
from trajprompt.tuning.methods.prompt_diffuser import DiffuserOptions
from trajprompt.tuning.methods.prompt_vae import VAEOptions
from trajprompt.tuning.methods.ptdt_offline import OfflineOptions
from trajprompt.tuning.methods.ptdt_online import OnlineOptions
from trajprompt.tuning.methods.random_segments import RandomSegmentsOptions
from trajprompt.tuning.methods.retrieval import RetrievalOptions
from trajprompt.tuning.methods.soft_prompt import SoftPromptOptions
from trajprompt.tuning.methods.two_point import TwoPointOptions
from trajprompt.tuning.methods.zo_rank_line_search import LineSearchOptions
from trajprompt.tuning.methods.zo_rank_search import RankSearchOptions
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.registry import methods

TINY_GENERATOR = {"pretraining_steps": 3, "iterations": 2, "steps_per_iteration": 2}
TINY_GENERATOR |= {"batch": 4, "contexts": 4, "chains": 2, "width": 16, "judging_batch": 8}
TINY_RANKING = {"iterations": 2, "steps_per_iteration": 2, "batch": 4}
TINY_SEARCH = {"episodes": 11, "records": 2}  # four rounds of three, the last smaller
OF_TRANSFORMERS = [name for name, one in methods().items() if not one.reads_relabelled]
OPTIONS = {
    "none": NoOptions(),
    "full-finetune": FinetuneOptions(
        iterations=3, steps_per_iteration=8, learning_rate=1e-3
    ),
    "adaptor": AdaptorOptions(
        iterations=3, steps_per_iteration=8, learning_rate=1e-2, bottleneck=4
    ),
    "lora": LoraOptions(iterations=3, steps_per_iteration=8, learning_rate=1e-2, rank=2),
    "prefix-tuning": PrefixOptions(iterations=3, steps_per_iteration=8, learning_rate=1e-2),
    "soft-prompt": SoftPromptOptions(
        iterations=2, steps_per_iteration=2, batch=4, learning_rate=0.1
    ),
    "retrieval": RetrievalOptions(candidates=12),
    "prompt-diffuser": DiffuserOptions(**TINY_GENERATOR, diffusion_steps=25),
    "prompt-vae": VAEOptions(**TINY_GENERATOR, latent=2),
    "diffuser-ptdt": DiffuserPtdtOptions(
        DiffuserOptions(**TINY_GENERATOR, diffusion_steps=25),
        OfflineOptions(**TINY_RANKING),
    ),
    "ptdt-offline": OfflineOptions(**TINY_RANKING),
    "ptdt-online": OnlineOptions(
        iterations=2, steps_per_iteration=3, candidates=4, ranked=4
    ),
    "random-segments": RandomSegmentsOptions(**TINY_SEARCH, candidates=3),
    "best-of-n": RandomSegmentsOptions(**TINY_SEARCH, candidates=3),
    "gaussian-search": GaussianSearchOptions(**TINY_SEARCH, candidates=3),
    "hill-climbing": HillClimbingOptions(**TINY_SEARCH, candidates=3),
    "cma-es": CmaEsOptions(episodes=20, records=2, population=6),
    "two-point": TwoPointOptions(**TINY_SEARCH, pairs=2),
    "zo-rank-search": RankSearchOptions(**TINY_SEARCH, candidates=3, ranked=3),
    "prompt-bandit": BanditOptions(**TINY_SEARCH, refit_steps=5),
    "zo-rank-line-search": LineSearchOptions(**TINY_SEARCH, candidates=3, ranked=3),
}


@pytest.fixture
def played(monkeypatch) -> list[SimpleNamespace]:
    """Replace simulator, policy and rollout; a return is -|prompt|^2, without noise."""
    log: list[SimpleNamespace] = []

    def policy(backbone, prompts, rows, target_return, precision, threads, engine):
        assert prompts.leading == (rows,)
        return prompts

    def rollout(simulator, prompts, seeds):
        tasks, returns = simulator, -to_vectors(prompts).square().sum(-1).double().numpy()
        log.append(SimpleNamespace(tasks=tasks, seeds=seeds, returns=returns))
        return SimpleNamespace(returns=returns, lengths=np.full(len(seeds), 10))

    monkeypatch.setattr(oracle, "LockstepPolicy", policy)
    monkeypatch.setattr(oracle, "rollout", rollout)
    monkeypatch.setattr(oracle, "make_simulator", lambda suite, tasks, threads: tasks)
    return log
