"""What frozen layers compute, computed once: where a network is cut, what the frozen part gave, kept on disk.

May use core, config, data, models and training. A network and pictures enter; the part that learns and its examples
leave.
"""
