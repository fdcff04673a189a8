"""JUnit XML, as CI systems read it: suites of test cases, and what was wrong with them."""

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element


def add_case(suite: Element, name: str, message: str | None = None, kind: str = "failure"):
    """Add a test case to a suite, and count it there.

    message : what was wrong; None if it passed. kind : "failure", or "error" if it came to no end.
    """
    case = ElementTree.SubElement(suite, "testcase", classname=suite.get("name"), name=name)
    counts = ["tests"]
    if message is not None:
        ElementTree.SubElement(case, kind, message=message)
        counts.append(f"{kind}s")
    for count in counts:
        suite.set(count, str(int(suite.get(count, "0")) + 1))


def document(name: str, suites: Iterable[Element]) -> str:
    """Return the text of a file with these suites."""
    root = Element("testsuites", name=name)
    root.extend(suites)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
