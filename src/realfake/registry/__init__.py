"""From runs to a model that others may rely on: the gate, the registry's aliases, the log of changes, the way back.

Of MLflow's registry this uses aliases, not stages: @champion is in use, @challenger was judged last, @previous is what
a rollback brings back.
"""
