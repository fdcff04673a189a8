"""YAML as study files have it: plain values, each key once, and nothing that grows when read."""

import math
from pathlib import Path
from typing import Any

import yaml

from mbm_hw.system.contents import TEXT, contents

LARGEST = 2**16
"""Bytes of a file."""
DEEPEST = 20
"""Mappings and lists within one another."""


def read_yaml(path: str | Path) -> Any:
    """Return what a YAML file holds: mappings, lists, texts, numbers, booleans, dates and None.

    A ValueError says what is wrong where: a file of more than LARGEST bytes, or no UTF-8; what is
    no YAML, a key given twice, a tag, an anchor or alias; more levels than DEEPEST; a number that
    is not finite or takes more than 64 bits.
    """
    if (kind := contents(path)) != TEXT:
        raise ValueError(f"a study file must be UTF-8 text, not {kind}")
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"a study file must have at most {LARGEST} bytes, not more")
    try:
        return yaml.load(content.decode(), _Loader)
    except UnicodeDecodeError as error:
        raise ValueError(f"a study file must be UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            self._refuse("tags (!x), anchors (&x) and aliases (*x) are not read", event)
        self.depth += 1
        if self.depth > DEEPEST:
            self._refuse(f"there are more than {DEEPEST} levels", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node, deep=False):
        keys = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse("a key must be a word", key_node)
            if (key := self.construct_object(key_node)) in keys:
                self._refuse(f"the key {key!r} is there twice", key_node)
            keys.add(key)
        return super().construct_mapping(node, deep)

    def construct_number(self, node):
        """Return an integer or a float; see `read_yaml`."""
        is_integer = node.tag.endswith(":int")
        number = (self.construct_yaml_int if is_integer else self.construct_yaml_float)(node)
        if not (abs(number) < 2**63 if is_integer else math.isfinite(number)):
            self._refuse("a number must be finite and take at most 64 bits", node)
        return number

    def _refuse(self, problem, where):
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=where.start_mark)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)
