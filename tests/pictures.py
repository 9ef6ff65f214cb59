"""The README's pictures, drawn from the demo. ``python -m tests.pictures`` draws them; a test compares."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from janitor.render.table import report_table
from tests.docs import demo_report

FOLDER = Path(__file__).parents[1] / ".github" / "pictures"
TERMINAL = FOLDER / "report.svg"

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


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    TERMINAL.write_text(terminal_svg(), encoding="utf-8")
