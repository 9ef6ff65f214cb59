"""Restore: what was archived becomes new revisions of its families. Planned first, then done, on ports."""
