"""Promote runs in MLflow's model registry: check them at the gate, move aliases, keep a history, roll back.

May use all packages up to tracking. Finished runs enter; versions, aliases and verdicts leave. The registry's aliases
are used, not its stages: @champion is the version in use, @challenger the one refused last, and @previous the one that
a rollback restores.
"""
