"""Search for better parameters, as `python src/tune.py` does: an Optuna study of trainings, shared by several workers.

May use all packages up to tracking; Optuna and Ray are used nowhere else. The tune group of params.yaml enters; a
table, figures and the best parameters leave. orchestration.py runs a whole sweep. trials.py defines a trial, study.py
counts and claims trials, storage.py stores them, and heartbeat.py detects dead workers. worker.py runs trials one after
the other (each by trial_run.py), in local processes (pool.py) or on a Ray cluster (ray_cluster.py). mlflow_runs.py,
progress.py, results.py and trial_table.py report the results.
"""
