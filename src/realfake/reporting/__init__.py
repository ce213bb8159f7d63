"""What changed between two states of the project, as text for people and pull requests.

May use all other packages. DVC's comparisons and the stages' files enter; lines and Markdown tables leave.
"""
