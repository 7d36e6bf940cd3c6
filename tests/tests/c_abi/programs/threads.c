/* Threads of the application that wait in the library: what they do there meanwhile harms neither them nor it. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static const char LOCK[] = "threads";
static const char QUEUE[] = "/go-core/locks/threads/";

/* So many that a thread which is alone is the one that runs the library's I/O. */
#define MANY 50

static void gets(gocore_etcd_client *client)
{
    int i;
    for (i = 0; i < MANY; i++) {
        gocore_etcd_kv_entry *entry;
        EXPECT(OK, gocore_etcd_kv_get(client, "/c/threads", 10, NULL, 0, &entry, &err));
        CHECK(entry == NULL);
    }
}

static size_t contenders(gocore_etcd_client *client)
{
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_kv_listing *listing;
    size_t count;
    options.scope = GOCORE_ETCD_SCOPE_PREFIX;
    EXPECT(OK, gocore_etcd_kv_list(client, QUEUE, strlen(QUEUE), &options, 0, &listing, &err));
    count = gocore_etcd_kv_listing_len(listing);
    gocore_etcd_kv_listing_free(listing);
    return count;
}

static void *on_a_small_stack(void *client)
{
    gocore_etcd_lock *lock;
    gets(client);
    EXPECT(OK, gocore_etcd_lock_acquire(client, LOCK, NULL, 0, NULL, &lock, &err));
    gets(client);
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    gocore_etcd_lock_free(lock);
    return NULL;
}

/* A thread with a stack too small for what goes on in the library waits as any other. */
static void small_stacks(gocore_etcd_client *client)
{
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
    CHECK(pthread_create(&thread, &attributes, on_a_small_stack, client) == 0);
    CHECK(pthread_join(thread, NULL) == 0 && pthread_attr_destroy(&attributes) == 0);
}

static atomic_int goes;
static atomic_int came_back;
static gocore_etcd_cancel_token *enough;

static void *waits_for_the_lock(void *client)
{
    gocore_etcd_lock *lock;
    gets(client);
    atomic_store(&goes, 1);
    EXPECT(CANCELLED, gocore_etcd_lock_acquire(client, LOCK, NULL, 0, enough, &lock, &err));
    CHECK(lock == NULL);
    atomic_store(&came_back, 1);
    pthread_testcancel();
    return NULL;
}

/* A thread that is cancelled inside a call ends after it: everybody else goes on, and nothing is left in etcd. */
static void cancelled_threads(gocore_etcd_client *client)
{
    gocore_etcd_lock *held;
    pthread_t thread;
    void *end;
    EXPECT(OK, gocore_etcd_lock_acquire(client, LOCK, NULL, 0, NULL, &held, &err));
    enough = gocore_etcd_cancel_token_new();
    CHECK(pthread_create(&thread, NULL, waits_for_the_lock, client) == 0);
    /* Alone in the library for a while, so that it does the library's work, in system calls that end when cancelled. */
    while (!atomic_load(&goes))
        usleep(1000);
    usleep(20000);
    while (contenders(client) < 2)
        usleep(1000);
    CHECK(pthread_cancel(thread) == 0);
    /* Of a thread that ended at once nobody would hear any more. */
    gets(client);
    gocore_etcd_cancel_token_cancel(enough);
    CHECK(pthread_join(thread, &end) == 0);
    CHECK(end == PTHREAD_CANCELED && atomic_load(&came_back));
    while (contenders(client) > 1)
        usleep(1000);
    gets(client);
    EXPECT(OK, gocore_etcd_lock_unlock(held, 0, &err));
    gocore_etcd_lock_free(held);
    gocore_etcd_cancel_token_free(enough);
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    CHECK(argc == 2);
    client = connect_to(argv);
    gets(client);
    small_stacks(client);
    cancelled_threads(client);
    close_and_free(client);
    return 0;
}
