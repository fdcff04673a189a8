"""python tests/browser.py: bring Debian's Chromium, which the report's test looks at pages with.

PyPI has no browser. Nothing is done where there is one; exit status 2 if it cannot be done here.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from playwright.sync_api import Page, sync_playwright

from mbm_hw.system import debian

OFFLINE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextlib.contextmanager
def page_of(url: str, width: int, height: int = 800) -> Iterator[tuple[Page, list[str]]]:
    """Open `url` in headless Chromium; yield the page and what it complained about.

    Complaints are errors and warnings on the console, exceptions, and requests for anything but
    `url` itself and data in it. Without a Chromium this is a RuntimeError.
    """
    program = chromium()
    if program is None:
        raise RuntimeError("no chromium on this machine: python tests/browser.py installs it")
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OFFLINE)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.on(
            "console",
            lambda m: (
                complaints.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on(
            "request",
            lambda r: (
                None
                if r.url == url or r.url.startswith("data:")
                else complaints.append(f"request: {r.url}")
            ),
        )
        page.goto(url)
        yield page, complaints
        browser.close()


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def main() -> int:
    if chromium() is not None:
        return 0
    by_hand = "install by hand: chromium"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"browser: Debian's packages need root and apt-get; {by_hand}", file=sys.stderr)
        return 2
    try:
        debian.install(["chromium"])
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"browser: {debian.reason(error)}; {by_hand}", file=sys.stderr)
        return 2
    print("browser: chromium ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
