"""Scores of predictions and their bootstrap intervals, with NumPy only.

May use core and data. Labels (FAKE = 0, REAL = 1) and P(REAL) enter; scores, curves and intervals leave.
"""
