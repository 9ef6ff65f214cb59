"""Pages in a real, headless Chromium: Debian's, or whichever is called so. No driver: the page looks at itself."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 60

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"),
)

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"

_LOOK = """
<script>
const complaints = [];
addEventListener("error", event => complaints.push(`error: ${event.message}`));
addEventListener("securitypolicyviolation", event => complaints.push(`asks for ${event.blockedURI}`));
addEventListener("load", () => {
  const boxes = [...document.querySelectorAll(".box")].map(box => {
    const edge = box.getBoundingClientRect(), within = [...box.shadowRoot.querySelectorAll("*")];
    const wide = within.filter(each => each.getBoundingClientRect().right > edge.right + 0.5);
    return {width: edge.width, height: edge.height, wide: wide.map(each => each.outerHTML.slice(0, 200))};
  });
  const found = document.createElement("pre");
  found.id = "seen";
  found.textContent = JSON.stringify({boxes, complaints});
  document.documentElement.appendChild(found);
});
</script>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box of a page, in pixels, and what sticks out of it."""

    width: float
    height: float
    wide: list[str]


def find() -> str | None:
    """Return a Chromium, if there is one."""
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


def box(content: str, *, width: int, ground: str) -> str:
    """Return HTML in a box of its own: what it says of styles holds nowhere else."""
    inside = f'<template shadowrootmode="open">{content}</template>'
    return f'<div class="box" style="background:{ground};width:{width}px">{inside}</div>'


def look(chromium: str, page: Path, boxes: Sequence[str]) -> tuple[list[Box], list[str]]:
    """Write a page of boxes and open it; return what is seen of each, and every complaint.

    A complaint is a line of the console, or an address that the page would ask for something: its policy lets it ask
    for none.
    """
    head = f'<meta charset="utf-8"><title>Boxes</title><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    page.write_text(
        f'<!doctype html><html lang="en"><head>{head}{_LOOK}</head><body>{"".join(boxes)}</body></html>',
        encoding="utf-8",
    )
    command = [chromium, *_FLAGS, f"--user-data-dir={page.parent / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)  # noqa: S603 - our own command
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, f"the page did not look at itself: {done.stderr[-2_000:]}"
    seen = json.loads(html.unescape(found[1]))
    said = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return [Box(**each) for each in seen["boxes"]], said + seen["complaints"]
