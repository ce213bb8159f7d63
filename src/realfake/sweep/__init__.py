"""The sweep behind `python src/tune.py`: a study of many trainings, which workers share and which survives them.

May use all packages up to tracking; Optuna and Ray are used nowhere else. The tune group of params.yaml enters; a
table, figures and the best parameters leave. trials.py says what a trial is, study.py which trials there are,
storage.py where they lie, heartbeat.py whose worker lives; worker.py runs one after the other, each by trial_run.py, in
processes (pool.py) or on a Ray cluster (ray_cluster.py); mlflow_runs.py, progress.py, results.py and trial_table.py
tell what came of it. orchestration.py is the whole of it.
"""
