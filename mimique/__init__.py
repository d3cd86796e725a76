"""Mimique: the umbrella command: demo, doctor, init, models."""
