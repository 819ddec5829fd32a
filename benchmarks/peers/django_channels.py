"""Channels with its pub/sub layer: whoever is at one side of a pair gets what the other side says, on any node.

Usage: `python django_channels.py REDIS-URL PORT`.
"""

from __future__ import annotations

import sys

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from django.conf import settings
from django.urls import path
from serving import serve


class Relay(AsyncWebsocketConsumer):
    """One side of a pair, in a group of its own."""

    async def connect(self) -> None:
        """Take the place that the path names."""
        place = self.scope["url_route"]["kwargs"]
        self.other = f"{place['pair']}.{1 - place['side']}"
        await self.channel_layer.group_add(f"{place['pair']}.{place['side']}", self.channel_name)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pass it on."""
        await self.channel_layer.group_send(self.other, {"type": "said", "text": text_data})

    async def said(self, event: dict[str, str]) -> None:
        """The other side said this."""
        await self.send(event["text"])


def relay(redis_url: str) -> URLRouter:
    """The application."""
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    settings.configure(CHANNEL_LAYERS={"default": layer})
    django.setup()
    return URLRouter([path("relay/<int:pair>/<int:side>", Relay.as_asgi())])


if __name__ == "__main__":
    serve(relay(sys.argv[1]), int(sys.argv[2]))
