"""The README's pictures, drawn from the demo. ``python -m tests.pictures`` draws them; a test compares."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from janitor.render.table import report_table
from tests.docs import demo_report

FOLDER = Path(__file__).parents[1] / ".github" / "pictures"
TERMINAL = FOLDER / "report.svg"
PAGE = FOLDER / "page.png"
PAGE_OF = FOLDER / "page.sha256"
"""The digest of the page that the picture was taken of: what a browser draws differs from machine to machine."""

WIDTH = 80

_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*|<!--.*?-->\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "font-family: Fira Code, monospace", "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
)
"""rich's picture of a terminal, with the fonts that the reader has instead of one from elsewhere."""


def terminal_svg() -> str:
    """Return a terminal in which the demo's account was reported on, up to the policy."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    printed = report_table(demo_report(), width=WIDTH, color=True)
    console.print(Text("$ janitor report", style="bold green"))
    console.print(Text.from_ansi(printed[: printed.index("Policy")].rstrip("\n\x1b[1m")))
    svg = console.export_svg(title="janitor report", code_format=_FORMAT, unique_id="janitor")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


def page_html() -> str:
    """Return the demo's report as the page that ``--format html`` makes."""
    html: str = importlib.import_module("janitor.render.html.page").report_page(demo_report())
    return html


def page_digest() -> str:
    """Return the digest of today's page."""
    return f"{hashlib.sha256(page_html().encode()).hexdigest()}\n"


def draw_page() -> None:
    """Take a picture of the page's top, as wide as a desktop's window, and keep the digest of what was taken."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser, "there is no Chromium; apt-get install chromium brings one"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(page_html(), encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}",
        ]
        shot = ["--window-size=1000,1145", f"--screenshot={PAGE}", page.as_uri()]
        subprocess.run([*command, *shot], check=True, capture_output=True, timeout=60)  # noqa: S603 - our own command
    PAGE_OF.write_text(page_digest(), encoding="utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    TERMINAL.write_text(terminal_svg(), encoding="utf-8")
    if importlib.util.find_spec("janitor.render.html"):
        draw_page()
