"""The sweep behind `python src/tune.py`: a study of many trainings, which workers share and which survives them.

search.py says what a trial is, study.py which trials there are, liveness.py whose worker lives; worker.py runs them, in
processes (pool.py) or on a Ray cluster (cluster.py); runs.py, progress.py and report.py tell what came of it.
"""
