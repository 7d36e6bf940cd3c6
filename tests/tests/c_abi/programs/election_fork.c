/* Elections after a fork: nothing of the parent's can be used, given back or told in the child, which can begin anew; the
 * parent goes on. Forked from the program's own thread and from inside the work. */
#include "electing.h"

#include <signal.h>
#include <sys/wait.h>

static gocore_etcd_client *client;
static gocore_etcd_leadership *leadership;
static gocore_etcd_candidacy *candidacy;
static gocore_etcd_subscription *observing, *running;
static struct story seen;
static int started, stopped, freed;
static int64_t stopped_token;
static char **arguments;

static void on_state(void *user_data, int32_t state, uint64_t place, int64_t token, const gocore_etcd_error *problem)
{
    (void)user_data, (void)state, (void)place, (void)token;
    CHECK(problem == NULL);
}

static void on_free(void *user_data)
{
    (void)user_data;
    __atomic_fetch_add(&freed, 1, __ATOMIC_SEQ_CST);
}

static void in_the_child(void)
{
    gocore_etcd_client *own;
    gocore_etcd_leadership *other = (gocore_etcd_leadership *)&err_garbage;
    gocore_etcd_leader *leader;
    gocore_etcd_candidacy *none;
    gocore_etcd_subscription *observer;
    static struct story story;
    char *identity;
    int freed_before = freed;

    EXPECT(WRONG_CONTEXT, gocore_etcd_election_campaign(client, "c/f", "i", NULL, 0, NULL, &other, &err));
    CHECK(other == NULL);
    EXPECT(WRONG_CONTEXT, gocore_etcd_election_leader(client, "c/f", 0, &leader, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_leadership_resign(leadership, 0, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_leadership_proclaim(leadership, "child", 0, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_leadership_wait_lost(leadership, 0, NULL, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_leadership_identity(leadership, &identity, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_leadership_put(leadership, "k", 1, "v", 1, NULL, 0, NULL, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_candidacy_resign(candidacy, 0, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_candidacy_cancel_wait(candidacy, 0, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_subscription_cancel_wait(running, 0, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_election_candidacy(client, "c/f", "i", NULL, NULL, NULL, on_free, &none, &err));
    /* The one it was given with, which is the child's own. */
    CHECK(freed == freed_before + 1);
    CHECK(!gocore_etcd_leadership_is_leader(leadership) && gocore_etcd_leadership_token(leadership) > 0);
    CHECK(gocore_etcd_candidacy_state(candidacy) == 0 && !gocore_etcd_candidacy_is_leader(candidacy));
    CHECK(gocore_etcd_candidacy_leadership(candidacy) == NULL && gocore_etcd_candidacy_key(candidacy) != NULL);
    gocore_etcd_leadership_free(leadership);
    gocore_etcd_candidacy_free(candidacy);
    gocore_etcd_subscription_free(observing);
    gocore_etcd_subscription_free(running);
    gocore_etcd_client_free(client);
    CHECK(freed == freed_before + 1 && seen.freed == 0);

    own = connect_to(arguments);
    observer = observe(own, "c/child", &story);
    other = campaign(own, "c/child", "child");
    EXPECT(OK, gocore_etcd_leadership_resign(other, 0, &err));
    gocore_etcd_leadership_free(other);
    /* This thread may have come out of a callback, in which nothing waits for callbacks. */
    gocore_etcd_subscription_free(observer);
    close_and_free(own);
}

/* An end for a child that hangs; the library's threads block the signal. */
static void limit_child(void)
{
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    alarm(60);
}

static void fork_once(void)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        limit_child();
        in_the_child();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The work forks; in the child it even returns. */
static int32_t on_start(void *user_data, gocore_etcd_leadership *led)
{
    int status;
    pid_t child;
    (void)user_data;
    fork_once();
    child = fork();
    if (child == 0) {
        limit_child();
        return GOCORE_ETCD_RUN_AGAIN;
    }
    /* That was its only thread: with it the child ends. */
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(gocore_etcd_leadership_is_leader(led));
    __atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&stopped_token, __ATOMIC_SEQ_CST) < gocore_etcd_leadership_token(led))
        usleep(1000);
    return GOCORE_ETCD_RUN_AGAIN;
}

static void on_stop(void *user_data, int64_t token)
{
    (void)user_data;
    fork_once();
    __atomic_fetch_add(&stopped, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&stopped_token, token, __ATOMIC_SEQ_CST);
}

int main(int argc, char **argv)
{
    int n;
    CHECK(argc > 1);
    arguments = argv;
    client = connect_to(argv);
    leadership = campaign(client, "c/f", "parent");
    observing = observe(client, "c/f", &seen);
    await(&seen, &seen.told, 1);
    EXPECT(OK, gocore_etcd_election_candidacy(client, "c/stands", "parent", NULL, on_state, NULL, on_free, &candidacy,
                                              &err));
    while (!gocore_etcd_candidacy_is_leader(candidacy))
        usleep(1000);
    EXPECT(OK, gocore_etcd_election_run(client, "c/works", "parent", NULL, on_start, on_stop, NULL, on_free, &running,
                                        &err));
    for (n = 0; n < 10; n++)
        fork_once();
    while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) == 0)
        usleep(1000);
    CHECK(gocore_etcd_leadership_is_leader(leadership) && gocore_etcd_candidacy_is_leader(candidacy) && freed == 0);
    EXPECT(OK, gocore_etcd_leadership_proclaim(leadership, "parent still", 0, &err));
    await(&seen, &seen.told, 2);
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(running, 0, &err));
    CHECK(stopped == 1 && started == 1 && freed == 1);
    EXPECT(OK, gocore_etcd_candidacy_resign(candidacy, 0, &err));
    EXPECT(OK, gocore_etcd_candidacy_cancel_wait(candidacy, 0, &err));
    CHECK(freed == 2);
    EXPECT(OK, gocore_etcd_leadership_resign(leadership, 0, &err));
    await(&seen, &seen.told, 3);
    end_subscription(observing, &seen);
    gocore_etcd_subscription_free(running);
    gocore_etcd_candidacy_free(candidacy);
    gocore_etcd_leadership_free(leadership);
    close_and_free(client);
    return 0;
}
