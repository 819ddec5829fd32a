/* How a message is said to each kind of server, and what each kind says back. */
#ifndef FRAMING_H
#define FRAMING_H

#include "ws.h"

enum manner {
    RELAY,   /* frames of our own, passed on as they are */
    LIVE,    /* the product's protocol: docs/live-protocol.md */
    SOCKETIO /* Socket.IO 4 over Engine.IO 4, the WebSocket transport alone */
};

enum kind {
    OTHER,    /* nothing that matters here */
    MESSAGE,  /* something that one of a pair said */
    ACK,      /* stored, says the server to who said it */
    READY,    /* this socket may talk from now on */
    REFUSAL,  /* an error */
    GREETING, /* Engine.IO's first packet, which wants `connecting` */
    PULSE     /* Engine.IO's ping, which wants `pulse_back` */
};

/* RELAY, LIVE or SOCKETIO by its name; ends the program on any other. */
enum manner manner_of(const char *name);

enum kind kind_of(enum manner manner, const struct frame *frame);

/* The frame that says `text` with this id; its length. */
size_t said(enum manner manner, char *into, size_t room, const char *id, const char *conversation, const char *text);

/* What a message's frame has before its id, where it comes in, in its own socket's events and in the other's. */
const char *before_id(enum manner manner);

/* What a new socket says first, or answers to GREETING; what answers PULSE. */
const char *connecting(enum manner manner);
const char *pulse_back(void);

#endif
