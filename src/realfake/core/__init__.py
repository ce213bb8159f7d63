"""The foundation of all other packages: errors, files and locks, external programs, code identity, array types.

It also writes and checks JSON and CSV files, and defines the style of figures and tables. May use the standard library
and NumPy's types, and Pydantic and matplotlib inside the functions that need them. Paths and plain values enter and
leave; nothing here knows pictures, networks or MLflow.
"""
