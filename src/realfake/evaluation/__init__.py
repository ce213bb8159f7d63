"""A trained network on test pictures, as they are and damaged: scores, figures, explanations.

May use core, config, data, metrics, models and inference. A network and test pictures enter; outputs/evaluation leaves.
"""
