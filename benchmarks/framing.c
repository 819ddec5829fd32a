#include "framing.h"

#include <stdio.h>
#include <string.h>

enum manner manner_of(const char *name)
{
    if (strcmp(name, "relay") == 0)
        return RELAY;
    if (strcmp(name, "live") == 0)
        return LIVE;
    if (strcmp(name, "socketio") == 0)
        return SOCKETIO;
    die("expected relay, live or socketio, not %s", name);
}

static bool starts(const struct frame *frame, const char *with)
{
    size_t length = strlen(with);
    return frame->length >= length && memcmp(frame->payload, with, length) == 0;
}

/* Engine.IO's packets are 0 (open), 2 (ping) and 4 (message); of Socket.IO's within the last: 0 connect, 2 event, 4 error. */
static enum kind kind_by_digits(const struct frame *frame)
{
    if (starts(frame, "42["))
        return MESSAGE;
    if (starts(frame, "2"))
        return PULSE;
    if (starts(frame, "40"))
        return READY;
    if (starts(frame, "44"))
        return REFUSAL;
    return starts(frame, "0") ? GREETING : OTHER;
}

static enum kind kind_by_type(const struct frame *frame)
{
    if (starts(frame, "{\"type\":\"message\""))
        return MESSAGE;
    if (starts(frame, "{\"type\":\"ack\""))
        return ACK;
    if (starts(frame, "{\"type\":\"error\""))
        return REFUSAL;
    return starts(frame, "{\"type\":\"welcome\"") ? READY : OTHER;
}

enum kind kind_of(enum manner manner, const struct frame *frame)
{
    switch (manner) {
    case LIVE:
        return kind_by_type(frame);
    case SOCKETIO:
        return kind_by_digits(frame);
    case RELAY:
        break;
    }
    return MESSAGE;
}

size_t said(enum manner manner, char *into, size_t room, const char *id, const char *conversation, const char *text)
{
    bool event = manner == SOCKETIO;
    int length = snprintf(into, room, "%s{\"type\":\"send\",\"id\":\"%s\",\"conversation\":\"%s\",\"text\":\"%s\"}%s",
                          event ? "42[\"say\"," : "", id, conversation, text, event ? "]" : "");
    if (length < 0 || (size_t)length >= room)
        die("too long a message to say");
    return (size_t)length;
}

const char *before_id(enum manner manner)
{
    return manner == LIVE ? "\"command\":\"" : "\"id\":\"";
}

const char *connecting(enum manner manner)
{
    return manner == LIVE ? "{\"type\":\"hello\",\"have\":[]}" : "40";
}

const char *pulse_back(void)
{
    return "3";
}
