"""The step in the middle: what a language model says of a batch, checked before it is believed."""
