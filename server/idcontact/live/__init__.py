"""The communication plugin for live conversations: chat, and the queue that leads to it."""
