"""MLflow: the store, one run for each execution of the pipeline, its lineage; how long all that is kept, and restored.

May use all packages up to export. What stages found enters; runs with metrics, tags and artifacts leave.
"""
