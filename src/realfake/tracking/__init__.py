"""Log to MLflow: the store, one run for each execution of the pipeline, lineage, retention and restoration.

May use all packages up to export. The stages' results enter; runs with metrics, tags and artifacts leave.
"""
