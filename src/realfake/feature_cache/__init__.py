"""What frozen layers compute, computed once: the two parts of a network, and features kept on disk.

May use core, config, data, models and training. A network and pictures enter; the part that learns and its examples
leave.
"""
