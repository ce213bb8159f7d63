"""Export a trained network to every format, run and measure the files, and write the model card and the demo's folder.

May use core, config, data, metrics, models, inference, and what training and evaluation wrote. A network enters;
outputs/export leaves.
"""
