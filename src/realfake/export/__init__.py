"""A trained network in every format, each file run and measured, and its model card.

May use core, config, data, metrics, models, inference and evaluation's files. A network enters; outputs/export leaves.
"""
