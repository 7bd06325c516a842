"""From findings to what people read: merge, score, sanitise, render. Pure, but for publishing."""
