"""The sparse attack: as few frames as it takes."""

from advvid.attacks.sparse.attack import SparseAttack, SparseResult, sparse_attack

__all__ = ["SparseAttack", "SparseResult", "sparse_attack"]
