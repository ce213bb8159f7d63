"""Compute the output of a network's frozen layers once, and cache it on disk for all trainings that can use it.

May use core, config, data, models and training. A network and pictures enter; its trainable part and that part's
examples leave.
"""
