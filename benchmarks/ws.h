/* As much of RFC 6455 as two programs on one machine need: whole text frames, ping and pong, close. */
#ifndef WS_H
#define WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_TEXT 1
#define WS_CLOSE 8
#define WS_PING 9
#define WS_PONG 10

struct buffer {
    char *bytes;
    size_t start, end, room;
};

struct ws {
    int fd;
    bool client; /* a client masks what it sends (section 5.3) */
    struct buffer in, out;
};

struct frame {
    int opcode;
    char *payload; /* in the socket's buffer: good until the next ws_fill */
    size_t length;
};

/* Ends the program with a sentence. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

int64_t nanoseconds(void);

/* Connect to a port of 127.0.0.1 and shake hands; `headers` are whole lines, each with its CR LF. Dies when refused. */
void ws_connect(struct ws *ws, int port, const char *path, const char *headers);

/* The same in two halves: several may be under way. */
void ws_ask(struct ws *ws, int port, const char *path, const char *headers);
void ws_hear_answer(struct ws *ws);

/* Take a connection over whose request is in `in`, answer it, and copy its path. False while it is not whole. */
bool ws_accept(struct ws *ws, char *path, size_t room);

/* Read what is there. False when the other side has closed. */
bool ws_fill(struct ws *ws);

/* The next whole frame. False when there is none yet. */
bool ws_next(struct ws *ws, struct frame *frame);

/* Send a frame, or keep what does not fit; `ws_flush` sends that, and says whether something is still kept. */
void ws_send(struct ws *ws, int opcode, const char *payload, size_t length);
bool ws_flush(struct ws *ws);

#endif
