"""Read and check params.yaml, change it in place with its comments kept, or replace it by a recipe.

May use core. The text of params.yaml enters; frozen parameter objects leave, or one line that says what is wrong.
"""
