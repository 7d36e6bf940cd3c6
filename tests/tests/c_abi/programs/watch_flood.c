/* A callback that is blocked while 100,000 changes arrive: it delays nobody, memory stays bounded, nothing is lost in
 * silence. */
#include "watching.h"

#include <unistd.h>

static struct watcher slow, quick;
static int blocked, released;

static void blocks(struct watcher *w, const gocore_etcd_kv_update *update)
{
    if (w->snapshots == 0 || gocore_etcd_kv_update_kind(update) != GOCORE_ETCD_UPDATE_CHANGES)
        return;
    __atomic_store_n(&blocked, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&released, __ATOMIC_SEQ_CST))
        usleep(1000);
}

static long resident_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all, resident;
    CHECK(file != NULL && fscanf(file, "%ld %ld", &all, &resident) == 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static double seconds(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Blocks the slow one, writes `hundreds` of changes to `keys` keys, for five seconds at least, and lets it go on. */
static void flood(gocore_etcd_client *watching, gocore_etcd_client *writing, int hundreds, int keys, size_t size)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock;
    double began = seconds(), longest = 0;
    int64_t last = 0;
    long before;
    int n;

    blocked = released = 0;
    options.ttl_ms = 2000;
    EXPECT(OK, gocore_etcd_lock_acquire(watching, "flood", &options, 20000, NULL, &lock, &err));
    watcher_init(&slow, watching, blocks);
    watcher_init(&quick, watching, NULL);
    watch_prefix(&slow, "/w/flood/");
    watch_prefix(&quick, "/w/flood/");
    UNTIL(&slow, snapshots, 1);
    UNTIL(&quick, snapshots, 1);
    put_hundred(writing, "/w/flood/", 0, size);
    while (!__atomic_load_n(&blocked, __ATOMIC_SEQ_CST))
        usleep(1000);
    before = resident_kb();
    for (n = 0; n < hundreds || seconds() - began < 5; n++) {
        double wrote = seconds();
        last = put_hundred(writing, "/w/flood/", n * 100 % keys, size);
        if (n % 50 == 0) {
            /* Nobody else waits for the one that is blocked. */
            UNTIL(&quick, revision, last);
            longest = seconds() - wrote > longest ? seconds() - wrote : longest;
            CHECK(gocore_etcd_lock_is_held(lock));
        }
    }
    UNTIL(&quick, revision, last);
    CHECK(gocore_etcd_lock_is_held(lock) && slow.revision < last);
    printf("%d changes of %zu bytes to %d keys in %.1f s: %ld kB more resident, the quick one was at most %.0f ms behind\n",
           n * 100, size, keys, seconds() - began, resident_kb() - before, longest * 1000);
    CHECK(resident_kb() - before < 48 * 1024);
    __atomic_store_n(&released, 1, __ATOMIC_SEQ_CST);
    UNTIL(&slow, revision, last);
    picture_is_true(&slow, writing, "/w/flood/");
    picture_is_true(&quick, writing, "/w/flood/");
    printf("the slow one: %d updates, %d snapshots, %d coalesced\n", slow.calls, slow.snapshots, slow.coalesced);
    CHECK(slow.snapshots > 1 || slow.coalesced > 0);
    end_watch(&slow);
    end_watch(&quick);
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    gocore_etcd_lock_free(lock);
}

int main(int argc, char **argv)
{
    gocore_etcd_client *watching, *writing;
    CHECK(argc > 1);
    watching = connect_to(argv);
    writing = connect_to(argv);
    /* Few keys: coalesced. More than are kept: a snapshot. */
    flood(watching, writing, 1000, 1000, 1024);
    CHECK(slow.coalesced > 0 && slow.snapshots == 1);
    flood(watching, writing, 90, 9000, 100);
    CHECK(slow.snapshots > 1);
    close_and_free(watching);
    close_and_free(writing);
    return 0;
}
