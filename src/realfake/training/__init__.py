"""Train a network: the training loop, its checkpoints, the calibration after it, and the record of the training.

May use core, config, data, metrics and models. Training examples enter; a trained network and its history leave.
"""
