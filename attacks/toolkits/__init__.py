"""Attacks of other toolkits, ART and torchattacks, on clips."""
