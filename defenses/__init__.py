"""Defenses of video classifiers, one a file."""
