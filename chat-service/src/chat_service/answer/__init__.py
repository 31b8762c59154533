"""From the frames of a run to an answer: what a frame is, what they add up to, how it ends."""
