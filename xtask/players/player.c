/* The benchmark's player in C: `player ENDPOINT`, and then a line for each piece of work. What it measured it answers as
 * one line of JSON, in nanoseconds.
 *
 *   get MS | lock MS     one after another, for so long: what each took
 *   gets MS              the same of get, 32 at once
 *   watch K              begins to watch /bench/events/K/; answers when the first snapshot is there
 *   events N             waits for N changes: the processor time that they took this process, all threads together. (The
 *                        time on the clock is the writer's.) */
#include <gocore_etcd.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AT_ONCE 32
#define MOST 1000000

static const char KEY[] = "/bench/key";

static gocore_etcd_client *client;

static long long read_clock(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static void check(gocore_etcd_error *err)
{
    if (err == NULL)
        return;
    fprintf(stderr, "%s\n", gocore_etcd_error_message(err));
    exit(1);
}

static void get(void)
{
    gocore_etcd_kv_entry *entry;
    gocore_etcd_error *err;
    gocore_etcd_kv_get(client, KEY, sizeof KEY - 1, NULL, 0, &entry, &err);
    check(err);
    gocore_etcd_kv_entry_free(entry);
}

static void lock(void)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock;
    gocore_etcd_error *err;
    options.ttl_ms = 60000;
    gocore_etcd_lock_acquire(client, "c", &options, 0, NULL, &lock, &err);
    check(err);
    gocore_etcd_lock_unlock(lock, 0, &err);
    check(err);
    gocore_etcd_lock_free(lock);
}

struct round {
    void (*work)(void);
    long long until;
    long long *took;
    size_t len;
};

static void *play(void *data)
{
    struct round *round = data;
    long long began = now();
    round->took = malloc(MOST * sizeof *round->took);
    while (began < round->until && round->took != NULL && round->len < MOST) {
        long long ended;
        round->work();
        ended = now();
        round->took[round->len++] = ended - began;
        began = ended;
    }
    return NULL;
}

static void tell(struct round *rounds, size_t len)
{
    const char *before = "[";
    size_t i, k;
    for (i = 0; i < len; i++) {
        for (k = 0; k < rounds[i].len; k++) {
            printf("%s%lld", before, rounds[i].took[k]);
            before = ",";
        }
        free(rounds[i].took);
    }
    puts(before[0] == '[' ? "[]" : "]");
    fflush(stdout);
}

static void together(void (*work)(void), long long until)
{
    struct round rounds[AT_ONCE];
    pthread_t threads[AT_ONCE];
    size_t i;
    memset(rounds, 0, sizeof rounds);
    for (i = 0; i < AT_ONCE; i++) {
        rounds[i].work = work;
        rounds[i].until = until;
        if (pthread_create(&threads[i], NULL, play, &rounds[i]) != 0)
            exit(1);
    }
    for (i = 0; i < AT_ONCE; i++)
        pthread_join(threads[i], NULL);
    tell(rounds, AT_ONCE);
}

/* What the watch has told. */
static pthread_mutex_t seeing = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t seen = PTHREAD_COND_INITIALIZER;
static int watching;
static size_t changes, wanted;

static void on_update(void *user_data, const gocore_etcd_kv_update *update)
{
    (void)user_data;
    pthread_mutex_lock(&seeing);
    if (gocore_etcd_kv_update_kind(update) == GOCORE_ETCD_UPDATE_CHANGES)
        changes += gocore_etcd_kv_update_len(update);
    else if (gocore_etcd_kv_update_kind(update) == GOCORE_ETCD_UPDATE_SNAPSHOT)
        watching = 1;
    /* Who waits is woken once, at the end: that is not what is measured. */
    if (changes >= wanted)
        pthread_cond_signal(&seen);
    pthread_mutex_unlock(&seeing);
}

static void watch(long long number)
{
    char prefix[48];
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_subscription *subscription;
    gocore_etcd_error *err;
    options.scope = GOCORE_ETCD_SCOPE_PREFIX;
    snprintf(prefix, sizeof prefix, "/bench/events/%lld/", number);
    gocore_etcd_kv_watch(client, prefix, strlen(prefix), &options, on_update, NULL, NULL, &subscription, &err);
    check(err);
    pthread_mutex_lock(&seeing);
    while (!watching)
        pthread_cond_wait(&seen, &seeing);
    pthread_mutex_unlock(&seeing);
    /* It goes on until the end. */
    puts("[]");
    fflush(stdout);
}

static void events(size_t number)
{
    long long began = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    pthread_mutex_lock(&seeing);
    wanted = number;
    while (changes < wanted)
        pthread_cond_wait(&seen, &seeing);
    changes = 0;
    pthread_mutex_unlock(&seeing);
    printf("[%lld]\n", read_clock(CLOCK_PROCESS_CPUTIME_ID) - began);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_error *err;
    char line[64], what[16];
    long long number;
    if (argc != 2)
        return 2;
    config.endpoints = (const char *const *)&argv[1];
    config.endpoints_len = 1;
    gocore_etcd_client_connect(&config, &client, &err);
    check(err);
    while (fgets(line, sizeof line, stdin) != NULL) {
        number = 0;
        if (sscanf(line, "%15s %lld", what, &number) < 1)
            return 2;
        if (strcmp(what, "watch") == 0) {
            watch(number);
        } else if (strcmp(what, "events") == 0) {
            events((size_t)number);
        } else if (strcmp(what, "gets") == 0) {
            together(get, now() + number * 1000000);
        } else {
            struct round round = {NULL, 0, NULL, 0};
            round.work = what[0] == 'l' ? lock : get;
            round.until = now() + number * 1000000;
            play(&round);
            tell(&round, 1);
        }
    }
    gocore_etcd_client_close(client, 5000, &err);
    gocore_etcd_error_free(err);
    gocore_etcd_client_free(client);
    return 0;
}
