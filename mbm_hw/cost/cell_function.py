"""The functions of cells, as Liberty spells them."""

import re
from collections.abc import Callable, Mapping


def boolean_function(text: str) -> Callable[[Mapping], object]:
    """Return a cell's function, such as "!((A B)+C)", over integers or arrays taken bit by bit.

    It takes a mapping from pins to values and returns what `&`, `|`, `^` and `~` make of them.
    """
    tokens = re.findall(r"\w+|[!'^&*|+()]", text)
    tree = _Function(tokens).parsed()
    return eval(f"lambda v: {tree}", {})


class _Function:
    """A parser by descent: ! and ' bind tightest, then ^, then & * and nothing, then | +."""

    def __init__(self, tokens):
        self.tokens = tokens[::-1]

    def parsed(self) -> str:
        tree = self.any_of()
        if self.tokens:
            raise ValueError(f"unexpected {self.tokens[-1]!r} in a cell's function")
        return tree

    def next(self, *expected) -> bool:
        if self.tokens and self.tokens[-1] in expected:
            self.tokens.pop()
            return True
        return False

    def any_of(self):
        tree = self.all_of()
        while self.next("|", "+"):
            tree = f"({tree} | {self.all_of()})"
        return tree

    def all_of(self):
        tree = self.odd_of()
        while self.next("&", "*") or (self.tokens and re.match(r"[\w!(]", self.tokens[-1])):
            tree = f"({tree} & {self.odd_of()})"
        return tree

    def odd_of(self):
        tree = self.term()
        while self.next("^"):
            tree = f"({tree} ^ {self.term()})"
        return tree

    def term(self):
        if self.next("!"):
            return f"~{self.term()}"
        if self.next("("):
            tree = self.any_of()
            if not self.next(")"):
                raise ValueError("a cell's function lacks a )")
        else:
            name = self.tokens.pop() if self.tokens else ""
            if not re.fullmatch(r"\w+", name):
                raise ValueError(f"a cell's function has {name!r} for a pin")
            tree = f"v[{name!r}]"
        return f"~{tree}" if self.next("'") else tree
