from family_vectors import Vectors
from family_vectors.momeni import oracle

VECTORS = [
    Vectors("venkatachalam8_c8", (20000, 16501, 9, 64457, 34, 255), sum=1058280832, mred=1.3975),
]
__all__ = ["VECTORS", "oracle"]
