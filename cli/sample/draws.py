"""Random numbers that are a pure function of (seed, stream, index).

splitmix64 (Steele, Lea and Flood, OOPSLA 2014) used as a counter-based generator: the draw for row 7,000,000 costs
the same as that for row 0 and needs no state, so a customer's sign-up date can be recomputed while
transactions are written, and memory does not grow with the data. Only 64-bit integer arithmetic is
used: the numbers depend on no random module, no numpy version and no floating-point unit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Integers = NDArray[np.int64]
type Bits = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Draws:
    """Streams of draws for one seed; each stream name is independent of the others."""

    seed: int

    def bits(self, stream: str, index: Integers) -> Bits:
        """64 random bits for each index."""
        digest = hashlib.sha256(f"{self.seed}:{stream}".encode()).digest()
        key = np.array(int.from_bytes(digest[:8], "big"), dtype=np.uint64)
        mixed = (index.astype(np.uint64) ^ key) * _GOLDEN + key
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

    def below(self, stream: str, index: Integers, limit: int | Integers) -> Integers:
        """A uniform integer in [0, limit) for each index; limit < 2**31, one or one per index."""
        high = (self.bits(stream, index) >> np.uint64(32)).astype(np.int64)
        return np.asarray((high * limit) >> 32, dtype=np.int64)

    def low_below(self, stream: str, index: Integers, limit: int | Integers) -> Integers:
        """Like `below`, but small values are likelier: limit * u**2 for a uniform u."""
        u = (self.bits(stream, index) >> np.uint64(43)).astype(np.int64)
        return np.asarray((((u * u) >> 21) * limit) >> 21, dtype=np.int64)

    def weighted(self, stream: str, index: Integers, weights: tuple[int, ...]) -> Integers:
        """A position in `weights`, chosen in proportion to them."""
        return np.searchsorted(np.cumsum(weights), self.below(stream, index, sum(weights)), side="right")


def apportion(total: int, weights: tuple[int, ...]) -> list[int]:
    """Split `total` by `weights` so that the parts add up to it (largest remainder, earlier first on a tie)."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda position: -(total * weights[position] % whole))
    for position in by_remainder[: total - sum(parts)]:
        parts[position] += 1
    return parts


def exact_shares(keys: Bits, weights: tuple[int, ...]) -> Integers:
    """A position in `weights` for each key, in exact shares: the lowest keys get position 0, and so on."""
    positions = np.empty(len(keys), dtype=np.int64)
    positions[np.argsort(keys, kind="stable")] = np.repeat(np.arange(len(weights)), apportion(len(keys), weights))
    return positions
