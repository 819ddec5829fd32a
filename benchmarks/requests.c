/*
 * The load generator for HTTP: the same request, again and again, on connections that stay open through one run.
 *
 * Usage: requests PORT CONNECTIONS FILE. FILE holds one whole request, as it goes over the wire.
 *
 * It prints "ready" once the server takes connections, and then answers each line "closed <ignored> <warm-up s> <s>" of standard
 * input with one line of JSON, as load.c does: each connection has one request under way. An answer is read by its
 * Content-Length; one whose status is not 200 is `wrong`, and what has not come 5 s after the end is `lost`.
 */
#include "ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 1024
#define ANSWER 65536
#define PATIENCE 5000000000
#define SECOND 1e9

struct connection {
    int fd;
    bool under_way;
    int64_t sent_at;
    size_t got;
    char answer[ANSWER];
};

struct run {
    bool ended;
    int64_t start, from, until;
    uint64_t sent, answered, in_time, wrong;
    int64_t *delays;
    size_t delay_count, room;
};

static struct connection *connections;
static unsigned connection_count;
static int port;
static char request[8192];
static size_t request_length;
static int epoll;
static struct run run;

static void ask(struct connection *connection)
{
    connection->under_way = true;
    connection->sent_at = nanoseconds();
    connection->got = 0;
    run.sent++;
    if (write(connection->fd, request, request_length) != (ssize_t)request_length)
        die("a request could not be sent whole: %s", strerror(errno));
}

/* The length of the whole answer; 0 while its head is not here yet. */
static size_t whole_length(struct connection *connection)
{
    connection->answer[connection->got] = '\0';
    char *end = strstr(connection->answer, "\r\n\r\n");
    if (end == NULL)
        return 0;
    char *length = strcasestr(connection->answer, "\r\ncontent-length:");
    if (length == NULL || length > end)
        die("an answer without Content-Length: %.200s", connection->answer);
    return (size_t)(end - connection->answer) + 4 + strtoul(length + 17, NULL, 10);
}

static void answered(struct connection *connection)
{
    int64_t now = nanoseconds();
    connection->under_way = false;
    run.answered++;
    if (strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0) {
        if (run.wrong++ == 0)
            fprintf(stderr, "\nanswered: %.400s\n", connection->answer);
    }
    if (now >= run.from && now < run.until) {
        run.in_time++;
        if (run.delay_count < run.room)
            run.delays[run.delay_count++] = now - connection->sent_at;
    }
    if (!run.ended)
        ask(connection);
}

static void hear(struct connection *connection)
{
    ssize_t got = read(connection->fd, connection->answer + connection->got, ANSWER - 1 - connection->got);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        die("the server closed a connection");
    connection->got += (size_t)got;
    size_t whole = whole_length(connection);
    if (whole >= ANSWER)
        die("an answer of %zu bytes is more than is foreseen", whole);
    if (whole != 0 && connection->got >= whole)
        answered(connection);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double micros_at(double part)
{
    return run.delay_count == 0 ? 0 : (double)run.delays[(size_t)(part * (double)(run.delay_count - 1))] / 1000;
}

static double own_cpu(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static uint64_t still_under_way(void)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < connection_count; i++)
        count += connections[i].under_way;
    return count;
}

static void turn(void)
{
    struct epoll_event events[256];
    int ready = epoll_wait(epoll, events, 256, 5);
    for (int i = 0; i < ready; i++)
        hear(events[i].data.ptr);
}

static void open_one(struct connection *connection)
{
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("port %d: %s", port, strerror(errno));
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

/* A server closes what lies idle while others have their turn: each run has connections of its own. */
static void open_all(void)
{
    for (unsigned i = 0; i < connection_count; i++)
        open_one(&connections[i]);
}

static void close_all(void)
{
    for (unsigned i = 0; i < connection_count; i++)
        close(connections[i].fd);
}

static void perform(double warm, double seconds)
{
    double cpu = own_cpu();
    free(run.delays);
    run = (struct run){.room = 4000000};
    run.delays = calloc(run.room, sizeof *run.delays);
    if (run.delays == NULL)
        die("out of memory");
    open_all();
    run.start = nanoseconds();
    run.from = run.start + (int64_t)(warm * SECOND);
    run.until = run.from + (int64_t)(seconds * SECOND);
    for (unsigned i = 0; i < connection_count; i++)
        ask(&connections[i]);
    while (nanoseconds() < run.until)
        turn();
    run.ended = true;
    while (still_under_way() != 0 && nanoseconds() < run.until + PATIENCE)
        turn();
    double wall = (double)(nanoseconds() - run.start) / SECOND;
    close_all();
    qsort(run.delays, run.delay_count, sizeof *run.delays, by_size);
    printf("{\"sent\":%llu,\"delivered\":%llu,\"lost\":%llu,\"wrong\":%llu,\"per_second\":%.1f,\"cpu_share\":%.4f,"
           "\"p50\":%.1f,\"p99\":%.1f,\"lag_p99\":0}\n",
           (unsigned long long)run.sent, (unsigned long long)run.answered, (unsigned long long)still_under_way(),
           (unsigned long long)run.wrong, (double)run.in_time / seconds, (own_cpu() - cpu) / wall, micros_at(0.5),
           micros_at(0.99));
    fflush(stdout);
}

int main(int count, char **arguments)
{
    char line[256];
    if (count != 4)
        die("usage: requests PORT CONNECTIONS FILE");
    FILE *file = fopen(arguments[3], "r");
    if (file == NULL)
        die("%s: %s", arguments[3], strerror(errno));
    request_length = fread(request, 1, sizeof request, file);
    fclose(file);
    port = atoi(arguments[1]);
    connection_count = (unsigned)atoi(arguments[2]);
    if (connection_count == 0 || connection_count > CONNECTIONS)
        die("expected 1 to %d connections", CONNECTIONS);
    connections = calloc(connection_count, sizeof *connections);
    if (connections == NULL)
        die("out of memory");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    open_all();
    close_all();
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        double warm, seconds;
        if (sscanf(line, "closed %*u %lf %lf", &warm, &seconds) != 2)
            die("expected closed and three numbers");
        perform(warm, seconds);
    }
    return 0;
}
