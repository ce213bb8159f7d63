"""Scores of predictions, with bootstrap intervals: NumPy alone.

May use core and data. Labels (FAKE = 0, REAL = 1) and P(REAL) enter; figures and intervals leave.
"""
