"""Evaluate a trained network on clean and on damaged test pictures: scores, figures and explanations.

May use core, config, data, metrics, models and inference. A network and test pictures enter; outputs/evaluation leaves.
"""
