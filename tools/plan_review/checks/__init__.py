"""The checks of the review rules: functions that yield evidence for one change.

Each module contains the table of resource types and attributes that its checks evaluate.
"""
