"""Whether what was made for programs is what the JSON Schemas in the package say of it."""

from __future__ import annotations

from janitor.schemas import problems


def described(value: object, name: str) -> None:
    """Assert that a JSON value is as its schema says; whoever adds a field describes it there."""
    found = list(problems(value, name))
    assert not found, (
        f"{found[:5]}\nWhat was added, taken away or changed is to be described in "
        f"janitor/schemas/{name}.schema.json, with its unit."
    )
