"""params.yaml: read once, checked, frozen; changed in place with its comments kept, or replaced by a recipe.

May use core. The text of params.yaml enters; frozen parameter objects leave, or one line that says what is wrong.
"""
