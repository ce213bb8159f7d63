"""What every other package stands on: errors, files, locks, other programs, code identity, the machine, array types.

Also how files of JSON and CSV are written and checked, and the look of figures and tables. May use the standard library
and NumPy's types, and in the functions that need them Pydantic and matplotlib. Nothing enters but paths and values;
nothing here knows pictures, networks or MLflow.
"""
