"""ID Contact: help people at a distance and be sure who you are talking to."""
