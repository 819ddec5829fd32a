#include "ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The nonce and the answer to it that RFC 6455 gives as its example (section 1.3). */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPTED "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define CHUNK 65536

static const unsigned char MASK[4] = {0x5a, 0xc3, 0x17, 0x9e};

_Noreturn void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char *room_for(struct buffer *buffer, size_t wanted)
{
    if (buffer->start == buffer->end) {
        buffer->start = buffer->end = 0;
    } else if (buffer->start > 0 && buffer->end + wanted > buffer->room) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (buffer->end + wanted > buffer->room) {
        buffer->room = buffer->end + wanted;
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        if (buffer->bytes == NULL)
            die("out of memory");
    }
    return buffer->bytes + buffer->end;
}

static void lean(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("fcntl: %s", strerror(errno));
}

/* The end of the head of an HTTP message in the buffer; NULL while it is not there. */
static char *head_end(struct buffer *in)
{
    char *found = memmem(in->bytes + in->start, in->end - in->start, "\r\n\r\n", 4);
    return found == NULL ? NULL : found + 4;
}

void ws_connect(struct ws *ws, int port, const char *path, const char *headers)
{
    ws_ask(ws, port, path, headers);
    ws_hear_answer(ws);
}

void ws_ask(struct ws *ws, int port, const char *path, const char *headers)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char request[4096];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *ws = (struct ws){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .client = true};
    if (ws->fd < 0 || connect(ws->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("port %d: %s", port, strerror(errno));
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n%s\r\n",
                          path, port, headers);
    if (length >= (int)sizeof request)
        die("the handshake's headers are too long");
    if (send(ws->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        die("the handshake could not be sent");
}

void ws_hear_answer(struct ws *ws)
{
    char *end;
    do {
        ssize_t got = recv(ws->fd, room_for(&ws->in, CHUNK), CHUNK, 0);
        if (got <= 0)
            die("the server closed in mid-handshake");
        ws->in.end += (size_t)got;
    } while ((end = head_end(&ws->in)) == NULL);
    size_t head = (size_t)(end - (ws->in.bytes + ws->in.start));
    if (memcmp(ws->in.bytes, "HTTP/1.1 101", 12) != 0 || memmem(ws->in.bytes, head, ACCEPTED, strlen(ACCEPTED)) == NULL)
        die("the server refused the socket: %.*s", (int)head, ws->in.bytes);
    ws->in.start += head;
    lean(ws->fd);
}

bool ws_accept(struct ws *ws, char *path, size_t room)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: " ACCEPTED "\r\n\r\n";
    char *end = head_end(&ws->in);
    if (end == NULL)
        return false;
    char *start = ws->in.bytes + ws->in.start + strlen("GET ");
    char *space = memchr(start, ' ', (size_t)(end - start));
    if (space == NULL || (size_t)(space - start) >= room)
        die("a request without a path");
    memcpy(path, start, (size_t)(space - start));
    path[space - start] = '\0';
    ws->in.start = (size_t)(end - ws->in.bytes);
    lean(ws->fd);
    if (send(ws->fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof answer - 1))
        die("the handshake could not be answered");
    return true;
}

bool ws_fill(struct ws *ws)
{
    ssize_t got = recv(ws->fd, room_for(&ws->in, CHUNK), CHUNK, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    ws->in.end += (size_t)got;
    return true;
}

static void masked(char *bytes, size_t length, const unsigned char *mask)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] ^= (char)mask[i & 3];
}

bool ws_next(struct ws *ws, struct frame *frame)
{
    unsigned char *head = (unsigned char *)ws->in.bytes + ws->in.start;
    size_t there = ws->in.end - ws->in.start, before = 2;
    if (there < 2)
        return false;
    uint64_t length = head[1] & 127;
    size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
    bool has_mask = (head[1] & 128) != 0;
    if (there < before + more + (has_mask ? 4 : 0))
        return false;
    if (more > 0)
        length = 0;
    for (size_t i = 0; i < more; i++)
        length = length << 8 | head[before + i];
    before += more + (has_mask ? 4 : 0);
    if (there - before < length)
        return false;
    if ((head[0] & 0xf0) != 0x80)
        die("a fragmented or compressed frame");
    *frame = (struct frame){head[0] & 15, (char *)head + before, (size_t)length};
    if (has_mask)
        masked(frame->payload, frame->length, head + before - 4);
    ws->in.start += before + (size_t)length;
    return true;
}

void ws_send(struct ws *ws, int opcode, const char *payload, size_t length)
{
    bool waiting = ws->out.start < ws->out.end;
    unsigned char *head = (unsigned char *)room_for(&ws->out, length + 14);
    size_t before = 2;
    if (length > 65535)
        die("too long a message to send");
    head[0] = (unsigned char)(0x80 | opcode);
    head[1] = (unsigned char)(length < 126 ? length : 126);
    if (length >= 126) {
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        before = 4;
    }
    if (ws->client) {
        head[1] |= 128;
        memcpy(head + before, MASK, 4);
        before += 4;
    }
    memcpy(head + before, payload, length);
    if (ws->client)
        masked((char *)head + before, length, MASK);
    ws->out.end += before + length;
    if (!waiting)
        ws_flush(ws);
}

bool ws_flush(struct ws *ws)
{
    while (ws->out.start < ws->out.end) {
        ssize_t sent = send(ws->fd, ws->out.bytes + ws->out.start, ws->out.end - ws->out.start, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        ws->out.start += (size_t)sent;
    }
    return false;
}
