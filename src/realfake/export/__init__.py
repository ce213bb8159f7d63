"""A trained network in every format, each file run and measured, its model card, and the demo as a folder of its own.

May use core, config, data, metrics, models, inference, and what training and evaluation wrote. A network enters;
outputs/export leaves.
"""
