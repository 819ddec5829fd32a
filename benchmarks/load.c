/*
 * The load generator: pairs of sockets that talk to each other, and count what arrives.
 *
 * Usage: load PORT relay|live|socketio FILE [TALKERS]. Each line of FILE is one socket, the two of a pair in succession:
 *
 *     <conversation> TAB <path> TAB <headers of the handshake, their CR LF written as \r\n>
 *
 * A path at another port is written as :<port>/... With TALKERS only so many of the sockets, the first ones, talk, and
 * only they are opened at first. When these are open it prints "ready", and then answers each line of standard input
 * with one line, "ready" or JSON:
 *
 *     closed <window> <warm-up s> <s>   each socket keeps <window> messages under way
 *     open <rate> <warm-up s> <s>       <rate> messages a second over all sockets, timed from when each was due
 *     others                            open the sockets that do not talk
 *
 * A message is done when the peer has it and, in `live`, its sender has the ack and the event. Each must come once and
 * in order: every other case is counted (`wrong`), and what has not come 5 s after the last one was sent is `lost`.
 */
#include "framing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SOCKETS 16384
#define AT_ONCE 32 /* handshakes under way */
#define READY_WITHIN 120000000000
#define UNDER_WAY 8192 /* messages of one socket whose due time is remembered; a power of two */
#define PATIENCE 5000000000
#define SECOND 1e9

static const char TEXT[] = "Goedemiddag, ik ga verhuizen en wil graag weten welke papieren ik daarvoor nodig heb "
                           "en of ik daarvoor naar het stadhuis moet komen of dat het ook via de post kan.";

struct end {
    struct ws ws;
    char conversation[64];
    unsigned sent, acked, echoed, delivered; /* of what this end said; numbers start at 0 */
    unsigned seq;                            /* of the last message event that this end got */
    bool ready;
    int64_t *due; /* UNDER_WAY of them, where it talks */
};

struct run {
    bool open, measuring, ended;
    unsigned window, rate;
    int64_t start, from, until, last;
    uint64_t offered;
    uint64_t sent, delivered, done_in_time, wrong;
    int64_t *delays, *lags; /* nanoseconds: due to delivered, and due to sent */
    size_t delay_count, lag_count, room;
};

static struct end *ends[SOCKETS];
static unsigned end_count, talkers;
static enum manner manner;
static int epoll, timer;
static unsigned nonce;
static struct run run;

static void watch(int fd, uint32_t events, void *what, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(epoll, operation, fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

/* --- saying something ------------------------------------------------------------------------------------------- */

static unsigned done_by(const struct end *end)
{
    unsigned done = end->delivered;
    if (manner == LIVE && end->acked < done)
        done = end->acked;
    if (manner == LIVE && end->echoed < done)
        done = end->echoed;
    return done;
}

static void say(unsigned index, int64_t due)
{
    struct end *end = ends[index];
    char frame[1024], id[40];
    if (end->sent - done_by(end) >= UNDER_WAY)
        die("the server is more than %d messages behind on one socket: lower the rate", UNDER_WAY);
    snprintf(id, sizeof id, "%08x-%u-%u", nonce, index, end->sent);
    size_t length = said(manner, frame, sizeof frame, id, end->conversation, TEXT);
    end->due[end->sent & (UNDER_WAY - 1)] = due;
    end->sent++;
    run.sent++;
    ws_send(&end->ws, WS_TEXT, frame, length);
    if (ws_flush(&end->ws))
        watch(end->ws.fd, EPOLLIN | EPOLLOUT, &ends[index], EPOLL_CTL_MOD);
}

static void keep_window(unsigned index)
{
    struct end *end = ends[index];
    while (!run.ended && end->sent - done_by(end) < run.window)
        say(index, nanoseconds());
}

static void set_timer(int64_t at)
{
    struct itimerspec when = {.it_value = {at / 1000000000, at % 1000000000}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        die("timerfd_settime: %s", strerror(errno));
}

static void say_what_is_due(int64_t now)
{
    for (;;) {
        int64_t due = run.start + (int64_t)((double)run.offered / run.rate * SECOND);
        if (due >= run.until)
            return;
        if (due > now) {
            set_timer(due);
            return;
        }
        if (due >= run.from && run.lag_count < run.room)
            run.lags[run.lag_count++] = nanoseconds() - due;
        say((unsigned)(run.offered++ % talkers), due);
    }
}

/* --- hearing something ------------------------------------------------------------------------------------------ */

static void expect(unsigned *next, unsigned number)
{
    if (number != *next)
        run.wrong++;
    if (number >= *next)
        *next = number + 1;
}

/* The id of one of our messages, behind `name` in the frame. */
static bool our_id(const struct frame *frame, const char *name, unsigned *index, unsigned *number)
{
    char id[80] = "";
    unsigned whose;
    char *found = memmem(frame->payload, frame->length, name, strlen(name));
    if (found == NULL)
        return false;
    found += strlen(name);
    size_t left = (size_t)(frame->payload + frame->length - found);
    memcpy(id, found, left < sizeof id - 1 ? left : sizeof id - 1);
    return sscanf(id, "%8x-%u-%u", &whose, index, number) == 3 && whose == nonce && *index < talkers;
}

static void check_seq(struct end *end, const struct frame *frame)
{
    char *found = memmem(frame->payload, frame->length, "\"seq\":", 6);
    unsigned seq = found == NULL ? 0 : (unsigned)strtoul(found + 6, NULL, 10);
    if (end->seq != 0 && seq != end->seq + 1)
        run.wrong++;
    end->seq = seq;
}

static void hear_message(unsigned here, const struct frame *frame)
{
    unsigned index, number;
    if (manner == LIVE)
        check_seq(ends[here], frame);
    if (!our_id(frame, before_id(manner), &index, &number)) {
        run.wrong++;
        return;
    }
    struct end *sender = ends[index];
    if (index == here && manner == LIVE) {
        expect(&sender->echoed, number);
        return;
    }
    if (index != (here ^ 1)) {
        run.wrong++;
        return;
    }
    expect(&sender->delivered, number);
    int64_t now = nanoseconds(), due = sender->due[number & (UNDER_WAY - 1)];
    run.delivered++;
    if (now >= run.from && now < run.until)
        run.done_in_time++;
    if (run.open && due >= run.from && run.delay_count < run.room)
        run.delays[run.delay_count++] = now - due;
}

static void hear_ack(unsigned here, const struct frame *frame)
{
    unsigned index, number;
    if (our_id(frame, "\"id\":\"", &index, &number) && index == here)
        expect(&ends[here]->acked, number);
    else
        run.wrong++;
}

static void hear_text(unsigned here, const struct frame *frame)
{
    struct end *end = ends[here];
    switch (kind_of(manner, frame)) {
    case MESSAGE:
        hear_message(here, frame);
        break;
    case ACK:
        hear_ack(here, frame);
        break;
    case READY:
        end->ready = true;
        break;
    case REFUSAL:
        die("the server says: %.*s", (int)frame->length, frame->payload);
    case GREETING:
        ws_send(&end->ws, WS_TEXT, connecting(manner), strlen(connecting(manner)));
        break;
    case PULSE:
        ws_send(&end->ws, WS_TEXT, pulse_back(), strlen(pulse_back()));
        break;
    case OTHER:
        break;
    }
    if (run.measuring && !run.open && here < talkers) {
        keep_window(here);
        keep_window(here ^ 1);
    }
}

static void hear(unsigned here)
{
    struct end *end = ends[here];
    struct frame frame;
    if (!ws_fill(&end->ws))
        die("the server closed socket %u", here);
    while (ws_next(&end->ws, &frame)) {
        if (frame.opcode == WS_TEXT)
            hear_text(here, &frame);
        else if (frame.opcode == WS_PING)
            ws_send(&end->ws, WS_PONG, frame.payload, frame.length);
        else if (frame.opcode == WS_CLOSE)
            die("the server closed socket %u with code %d", here,
                frame.length < 2 ? 1005 : (unsigned char)frame.payload[0] << 8 | (unsigned char)frame.payload[1]);
    }
}

/* --- a run ------------------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double micros_at(int64_t *sorted, size_t count, double part)
{
    return count == 0 ? 0 : (double)sorted[(size_t)(part * (double)(count - 1))] / 1000;
}

static double own_cpu(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void begin(bool open, unsigned value, double warm, double seconds)
{
    free(run.delays);
    free(run.lags);
    run = (struct run){.open = open, .measuring = true, .window = value, .rate = value};
    run.room = open ? (size_t)(value * (warm + seconds)) + 1 : 1;
    run.delays = calloc(run.room, sizeof *run.delays);
    run.lags = calloc(run.room, sizeof *run.lags);
    if (run.delays == NULL || run.lags == NULL)
        die("out of memory");
    run.start = nanoseconds();
    run.from = run.start + (int64_t)(warm * SECOND);
    run.until = run.from + (int64_t)(seconds * SECOND);
}

static bool all_done(void)
{
    for (unsigned i = 0; i < talkers; i++)
        if (done_by(ends[i]) != ends[i]->sent)
            return false;
    return true;
}

static void report(double cpu)
{
    uint64_t lost = 0;
    double wall = (double)(nanoseconds() - run.start) / SECOND;
    for (unsigned i = 0; i < talkers; i++)
        lost += ends[i]->sent - done_by(ends[i]);
    qsort(run.delays, run.delay_count, sizeof *run.delays, by_size);
    qsort(run.lags, run.lag_count, sizeof *run.lags, by_size);
    printf("{\"sent\":%llu,\"delivered\":%llu,\"lost\":%llu,\"wrong\":%llu,\"per_second\":%.1f,\"cpu_share\":%.4f,"
           "\"p50\":%.1f,\"p99\":%.1f,\"lag_p99\":%.1f}\n",
           (unsigned long long)run.sent, (unsigned long long)run.delivered, (unsigned long long)lost,
           (unsigned long long)run.wrong, (double)run.done_in_time / ((double)(run.until - run.from) / SECOND),
           (own_cpu() - cpu) / wall, micros_at(run.delays, run.delay_count, 0.5),
           micros_at(run.delays, run.delay_count, 0.99), micros_at(run.lags, run.lag_count, 0.99));
    fflush(stdout);
}

/* One turn: what the sockets have to say, for at most `wait` ms. False when standard input has something. */
static bool turn(int wait)
{
    struct epoll_event events[256];
    bool asked = false;
    int ready = epoll_wait(epoll, events, 256, wait);
    for (int i = 0; i < ready; i++) {
        struct end **place = events[i].data.ptr;
        if (place == NULL) {
            asked = true;
        } else if (place == (void *)&timer) {
            uint64_t ticks;
            if (read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN)
                die("timer: %s", strerror(errno));
        } else {
            if ((events[i].events & EPOLLOUT) != 0 && !ws_flush(&(*place)->ws))
                watch((*place)->ws.fd, EPOLLIN, place, EPOLL_CTL_MOD);
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
                hear((unsigned)(place - ends));
        }
    }
    return !asked;
}

static void perform(bool open, unsigned value, double warm, double seconds)
{
    double cpu = own_cpu();
    begin(open, value, warm, seconds);
    for (unsigned i = 0; !open && i < talkers; i++)
        keep_window(i);
    for (int64_t now = run.start; now < run.until; now = nanoseconds()) {
        if (open)
            say_what_is_due(now);
        turn(open ? 20 : 5);
    }
    run.ended = true;
    while (!all_done() && nanoseconds() < run.until + PATIENCE)
        turn(5);
    run.measuring = false;
    report(cpu);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static void open_end(int port, char *line)
{
    char headers[2048] = "", *rest = line, *out = headers;
    char *conversation = strsep(&rest, "\t"), *path = strsep(&rest, "\t");
    if (rest == NULL || end_count == SOCKETS || strlen(rest) >= sizeof headers)
        die("a line that is not <conversation> TAB <path> TAB <headers>, or too many of them");
    for (; *rest != '\0' && *rest != '\n'; out++) {
        if (strncmp(rest, "\\r\\n", 4) == 0) {
            *out++ = '\r';
            *out = '\n';
            rest += 4;
        } else {
            *out = *rest++;
        }
    }
    struct end *end = ends[end_count] = calloc(1, sizeof *end);
    if (end == NULL || (end_count < talkers && (end->due = calloc(UNDER_WAY, sizeof *end->due)) == NULL))
        die("out of memory");
    snprintf(end->conversation, sizeof end->conversation, "%s", conversation);
    if (*path == ':')
        port = (int)strtol(path + 1, &path, 10);
    ws_ask(&end->ws, port, path, headers);
    end_count++;
}

static void begin_end(struct end **place)
{
    struct end *end = *place;
    ws_hear_answer(&end->ws);
    watch(end->ws.fd, EPOLLIN, place, EPOLL_CTL_ADD);
    end->ready = manner == RELAY;
    if (manner == LIVE)
        ws_send(&end->ws, WS_TEXT, connecting(manner), strlen(connecting(manner)));
}

static bool all_ready(void)
{
    for (unsigned i = 0; i < end_count; i++)
        if (!ends[i]->ready)
            return false;
    return true;
}

/* At most so many lines of the file; when all of these are open and have settled. */
static void open_some(int port, FILE *file, unsigned most)
{
    char *line = NULL;
    size_t room = 0;
    for (bool more = true; more && most > 0;) {
        unsigned begun = end_count;
        while (most > 0 && end_count - begun < AT_ONCE && (more = getline(&line, &room, file) > 0)) {
            open_end(port, line);
            most--;
        }
        for (; begun < end_count; begun++)
            begin_end(&ends[begun]);
        turn(0);
    }
    free(line);
    for (int64_t until = nanoseconds() + READY_WITHIN; !all_ready();) {
        if (nanoseconds() > until)
            die("the server does not answer on every socket");
        turn(50);
    }
    for (int64_t settled = nanoseconds() + (int64_t)SECOND; nanoseconds() < settled;)
        turn(50);
}

static void ready(void)
{
    puts("ready");
    fflush(stdout);
}

static void answer(const char *line, int port, FILE *file)
{
    unsigned value;
    double warm, seconds;
    if (sscanf(line, "closed %u %lf %lf", &value, &warm, &seconds) == 3) {
        perform(false, value, warm, seconds);
    } else if (sscanf(line, "open %u %lf %lf", &value, &warm, &seconds) == 3) {
        perform(true, value, warm, seconds);
    } else if (strncmp(line, "others", 6) == 0) {
        open_some(port, file, SOCKETS);
        ready();
    } else {
        die("expected closed or open and three numbers, or others");
    }
}

int main(int count, char **arguments)
{
    char line[256];
    if (count != 4 && count != 5)
        die("usage: load PORT relay|live|socketio FILE [TALKERS]");
    int port = atoi(arguments[1]);
    FILE *file = fopen(arguments[3], "r");
    if (file == NULL)
        die("%s: %s", arguments[3], strerror(errno));
    manner = manner_of(arguments[2]);
    talkers = count == 5 ? (unsigned)atoi(arguments[4]) : SOCKETS;
    nonce = (unsigned)(nanoseconds() ^ getpid());
    epoll = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch(timer, EPOLLIN, &timer, EPOLL_CTL_ADD);
    watch(STDIN_FILENO, EPOLLIN, NULL, EPOLL_CTL_ADD);
    setvbuf(stdin, NULL, _IONBF, 0);
    open_some(port, file, talkers);
    if (talkers > end_count)
        talkers = end_count;
    if (talkers == 0 || talkers % 2 != 0)
        die("%s: expected two lines for each pair", arguments[3]);
    ready();
    for (;;) {
        while (turn(-1))
            ;
        if (fgets(line, sizeof line, stdin) == NULL)
            return 0;
        answer(line, port, file);
    }
}
