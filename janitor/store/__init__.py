"""What is kept between sweeps: record, archive, last report, due cache. None is needed for correctness.

Keys: ``record/open/<sweep>/<batch>.jsonl`` (a batch as submitted), ``record/closed/<family>/<lowest>-<highest>-…``
(what was settled, sorted by family and number), ``report/last.json``, ``cache/due/<family>``,
``archive/batches/<sweep>/<batch>.jsonl.gz``, ``archive/index/<sweep>/…``, ``archive/restored/<family>/<number>.json``.
Give each account and Region a store, or a prefix, of its own.
"""
