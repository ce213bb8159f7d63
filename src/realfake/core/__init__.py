"""What every other package stands on: errors, files and locks, other programs, code identity, the machine, array types.

May use the standard library and NumPy's types. Nothing enters but paths and values; nothing here knows pictures,
networks or MLflow.
"""
