"""Counting: what tools/counts is made of. works.py has what is done, count.py counts it, expected.py has what is to be counted."""
