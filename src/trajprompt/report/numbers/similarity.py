"""Linear centred kernel alignment (CKA) of two sets of matched rows.

Kornblith et al. 2019, arXiv 1905.00414, section 3. It is invariant to rotation and to
scaling of a set, and 1 for equal sets. With few rows and many columns it is far above 0
even for unrelated sets; `debiased_cka` is 0 on average there.
"""

import numpy as np


def linear_cka(first: np.ndarray, second: np.ndarray) -> float:
    """CKA |Y'X|^2 / (|X'X| |Y'Y|) of centred X (n, p) and Y (n, q), from 0 to 1."""
    x, y = _centred(first), _centred(second)
    return float(
        np.square(y.T @ x).sum() / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    )


def debiased_cka(first: np.ndarray, second: np.ndarray) -> float:
    """CKA from unbiased estimates (Song et al. 2012, Eq. 5); needs at least 4 rows."""
    k, m = (_gram_without_diagonal(values) for values in (first, second))
    return float(_unbiased(k, m) / np.sqrt(_unbiased(k, k) * _unbiased(m, m)))


def mismatched_cka(
    first: np.ndarray, second: np.ndarray, stream: np.random.SeedSequence, draws: int = 200
) -> float:
    """Mean CKA of (n, P, p) and (n, P, q) over random derangements of the n groups.

    NaN for a single group, which has no derangement.
    """
    if len(second) < 2:
        return float("nan")
    generator = np.random.default_rng(stream)
    found = []
    for _ in range(draws):
        shuffled = second[derangement(generator, len(second))]
        found.append(linear_cka(_flat(first), _flat(shuffled)))
    return float(np.mean(found))


def derangement(generator: np.random.Generator, size: int) -> np.ndarray:
    """Uniform random permutation of at least two items without fixed points.

    By rejection: for any size, about one in e permutations has none (de Montmort).
    """
    while True:
        drawn = generator.permutation(size)
        if not (drawn == np.arange(size)).any():
            return drawn


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def _centred(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    return values - values.mean(axis=0)


def _gram_without_diagonal(values: np.ndarray) -> np.ndarray:
    centred = _centred(values)  # only reduces rounding errors
    gram = centred @ centred.T
    np.fill_diagonal(gram, 0.0)
    return gram


def _unbiased(k: np.ndarray, m: np.ndarray) -> float:
    """Unbiased estimate of HSIC from Gram matrices (n, n) with zero diagonal."""
    n = len(k)
    trace = (k * m).sum()
    sums = k.sum() * m.sum() / ((n - 1) * (n - 2))
    rows = 2 * (k.sum(axis=0) @ m.sum(axis=0)) / (n - 2)
    return float((trace + sums - rows) / (n * (n - 3)))
