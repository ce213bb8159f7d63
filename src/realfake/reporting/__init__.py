"""Summarise results, and report what changed between two states of the project, for people and pull requests.

May use all other packages. DVC's comparisons and the stages' files enter; lines and Markdown tables leave.
"""
