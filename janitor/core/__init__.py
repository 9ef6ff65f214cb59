"""Pure decisions: standard library only, no clock, environment, logging, printing or boto3."""
