"""What `lift bench` measures: each function runs two or more ways side by side and returns a table of ratios."""
