"""`glossator eval`: the real pipeline over cases whose right answer is known."""
