"""The code around a change that helps to understand it."""
