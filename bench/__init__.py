"""The speed goals, measured: each figure is a ratio between two things done turn about in one run."""
