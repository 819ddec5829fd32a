"""The core: what an end user can choose, and the start of a session. It knows plugins by their messages alone."""
