"""Checks of a family's docstring: its sections, and the example that runs."""

import dataclasses
import doctest
import inspect
import io
import re
import sys
from collections.abc import Sequence

from mbm_hw.conformance.checks import Absent, Failure, of_family
from mbm_hw.multipliers import Spec
from mbm_hw.multipliers.names import is_named
from mbm_hw.multipliers.registry import Family


@of_family
def check_docstring(entry: Family, specs: Sequence[Spec]):
    """The docstring has numpydoc's sections: all Parameters, References, Examples."""
    kind = entry.kind
    text = inspect.cleandoc(vars(kind).get("__doc__") or "")
    sections = dict(re.findall(r"^(\w+)\n-{3,}\n(.*?)(?=^\w+\n-{3,}\n|\Z)", text, re.M | re.S))
    has_source = not kind.is_exact and is_named(kind)  # not a table's, which is anybody's
    needed = ["Parameters", *(["References"] if has_source else []), "Examples"]
    if missing := [name for name in needed if name not in sections]:
        raise Failure(f"the docstring of {kind.__name__} has no section {', '.join(missing)}")
    described = set(re.findall(r"^(\w+) : ", sections["Parameters"], re.M))
    fields = {field.name for field in dataclasses.fields(kind)}
    if described != fields:
        raise Failure(
            f"the Parameters of {kind.__name__}'s docstring must be {', '.join(sorted(fields))}, "
            f"each as `name : type`, not {', '.join(sorted(described)) or 'none'}"
        )


@of_family
def check_example(entry: Family, specs: Sequence[Spec]):
    """The docstring's examples run, and print what they say."""
    kind, printed = entry.kind, io.StringIO()
    names = vars(sys.modules[kind.__module__])
    found = doctest.DocTestFinder(recurse=False).find(kind, kind.__name__, globs=dict(names))
    examples = [test for test in found if test.examples]
    if not examples:
        raise Absent("the docstring has no example")
    for test in examples:
        outcome = doctest.DocTestRunner(verbose=False).run(test, out=printed.write)
        if outcome.failed:
            _, _, report = printed.getvalue().partition("Failed example:")
            raise Failure(f"an example of {kind.__name__} failed: {' '.join(report.split())}")
