"""The one training loop, its checkpoints, the calibration that follows it, and the record of it.

May use core, config, data, metrics and models. Training examples enter; a trained network and its history leave.
"""
