/* A relay in C: what it carries is the least that the load generator can drive. Usage: bound PORT */
#include "ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 1024

struct end {
    struct ws ws;
    struct end *peer, **place; /* no place: its handshake is not done */
};

static struct end *ends[PAIRS][2];
static int epoll;

static void watch(int fd, uint32_t events, void *what, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(epoll, operation, fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

static int listening(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0)
        die("port %d: %s", port, strerror(errno));
    return fd;
}

/* The path is /relay/<pair>/<side>. */
static void take_place(struct end *end)
{
    char path[256];
    unsigned pair, side;
    if (!ws_accept(&end->ws, path, sizeof path))
        return;
    if (sscanf(path, "/relay/%u/%u", &pair, &side) != 2 || pair >= PAIRS || side > 1)
        die("not a place: %s", path);
    end->place = &ends[pair][side];
    *end->place = end;
    end->peer = ends[pair][!side];
    if (end->peer != NULL)
        end->peer->peer = end;
}

static void relay(struct end *end)
{
    struct frame frame;
    while (ws_next(&end->ws, &frame)) {
        if (frame.opcode == WS_TEXT && end->peer != NULL) {
            ws_send(&end->peer->ws, WS_TEXT, frame.payload, frame.length);
            if (ws_flush(&end->peer->ws))
                watch(end->peer->ws.fd, EPOLLIN | EPOLLOUT, end->peer, EPOLL_CTL_MOD);
        }
    }
}

static void serve(struct end *end, uint32_t events)
{
    if ((events & EPOLLOUT) != 0 && !ws_flush(&end->ws))
        watch(end->ws.fd, EPOLLIN, end, EPOLL_CTL_MOD);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
        return;
    if (!ws_fill(&end->ws)) {
        if (end->peer != NULL)
            end->peer->peer = NULL;
        if (end->place != NULL)
            *end->place = NULL;
        close(end->ws.fd);
        return;
    }
    if (end->place == NULL)
        take_place(end);
    if (end->place != NULL)
        relay(end);
}

int main(int count, char **arguments)
{
    struct epoll_event events[256];
    if (count != 2)
        die("usage: bound PORT");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listening(atoi(arguments[1]));
    watch(listener, EPOLLIN, NULL, EPOLL_CTL_ADD);
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr != NULL) {
                serve(events[i].data.ptr, events[i].events);
                continue;
            }
            struct end *end = calloc(1, sizeof *end);
            if (end == NULL || (end->ws.fd = accept(listener, NULL, NULL)) < 0)
                die("a connection could not be taken: %s", strerror(errno));
            watch(end->ws.fd, EPOLLIN, end, EPOLL_CTL_ADD);
        }
    }
}
