"""Transforms of a training sample before a network sees it."""
