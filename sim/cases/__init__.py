"""Operands, cases of the arithmetic and narrow twins for co-simulation, by family.

A family has the cases of all integer, or of all float, specs. One whose arithmetic has cases of its
own adds a file here, with a subclass that `cases_of` registers.
"""

from sim.cases.registry import cases_for, cases_of

__all__ = ["cases_for", "cases_of"]
