"""From runs to a model that others may rely on: the gate, the registry's aliases, the history of changes, the way back.

May use all packages up to tracking. Finished runs enter; versions, aliases and verdicts leave. Of MLflow's registry
this uses aliases, not stages: @champion is in use, @challenger was judged last, @previous is what a rollback brings
back.
"""
