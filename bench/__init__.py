"""How fast the approximate layers are, beside PyTorch's exact ones in the same run."""
