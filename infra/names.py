"""What things are called: by project and stack, so that two stacks share an account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of what people and other programs look for; the rest is named by Pulumi."""

    project: str
    stack: str
    region: str

    @property
    def prefix(self) -> str:
        """How the names of one Region begin."""
        return f"{self.project}-{self.stack}"

    @property
    def short(self) -> str:
        """How names begin that Pulumi completes: lower case, as a bucket's must be."""
        return f"janitor-{self.stack}".lower().replace("_", "-")

    @property
    def dashboard(self) -> str:
        """A dashboard's name, which all Regions of an account share."""
        return f"{self.prefix}-{self.region}"

    @property
    def brake(self) -> str:
        """The brake's parameter."""
        return f"/{self.project}/{self.stack}/brake"

    @property
    def widget(self) -> str:
        """The widget's function: AWS recommends to begin so, and people see what is safe on a dashboard."""
        return f"customWidget-{self.prefix}"

    @property
    def lookup_table(self) -> str:
        """The lookup table."""
        return f"{self.prefix}-lookup"

    @property
    def log_group(self) -> str:
        """The function's log group."""
        return f"/aws/lambda/{self.prefix}"

    @property
    def widget_log_group(self) -> str:
        """That of the widget's."""
        return f"/aws/lambda/{self.widget}"
