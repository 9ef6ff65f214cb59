"""What ``pulumi up`` runs: one stack, as its config says."""

from infra.stack import deploy

deploy()
