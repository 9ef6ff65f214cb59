"""What is kept between sweeps: the record of deletions, the last report, the due cache. None is needed for correctness.

Keys: ``record/open/<sweep>/<batch>.jsonl`` (a batch as submitted), ``record/closed/<family>/<lowest>-<highest>-…``
(what was settled, sorted by family and number), ``report/last.json``, ``cache/due/<family>``. Give each account and
Region a store, or a prefix, of its own.
"""
