"""The atlas: every family side by side, by its errors, its price, and networks that use it."""
