"""Weights in and out of files, without running code."""
