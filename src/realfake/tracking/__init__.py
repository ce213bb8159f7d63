"""MLflow: the store, one run for each execution of the pipeline, its lineage and retention.

May use all packages up to export. What stages found enters; runs with metrics, tags and artifacts leave.
"""
