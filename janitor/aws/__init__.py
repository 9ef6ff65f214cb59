"""The only place that imports boto3 and knows ARNs, client errors and response dicts."""
