"""Build, load, save and run networks in Keras: backbone and head, pretrained weights, test-time augmentation.

May use core, config and data. The train group of params.yaml enters; a Keras model leaves, whose one output is P(REAL).
"""
