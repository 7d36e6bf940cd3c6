/* Candidates that do not wait: how a candidacy stands, and work that is begun and stopped as leadership comes and goes. */
#include "electing.h"

static void on_state(void *user_data, int32_t state, uint64_t place, int64_t token, const gocore_etcd_error *problem)
{
    struct story *story = user_data;
    CHECK(problem == NULL && (token != 0) == (state == GOCORE_ETCD_CANDIDACY_LEADING));
    CHECK(place == 0 || state == GOCORE_ETCD_CANDIDACY_WAITING);
    pthread_mutex_lock(&story->mutex);
    story->state[story->told] = state;
    story->place[story->told] = place;
    story->token[story->told] = token;
    story_next(story);
}

static gocore_etcd_candidacy *stand(gocore_etcd_client *client, const char *key, struct story *story)
{
    gocore_etcd_candidacy *candidacy;
    story_init(story);
    EXPECT(OK, gocore_etcd_election_candidacy(client, key, "stands", NULL, on_state, story, on_story_free, &candidacy,
                                              &err));
    return candidacy;
}

/* Waits until the newest state is this one; gives its number. */
static int until_state(struct story *story, int state)
{
    struct timespec limit;
    int at;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 120;
    pthread_mutex_lock(&story->mutex);
    while (story->told == 0 || story->state[story->told - 1] != state)
        CHECK(pthread_cond_timedwait(&story->changed, &story->mutex, &limit) == 0);
    at = story->told - 1;
    pthread_mutex_unlock(&story->mutex);
    return at;
}

static void candidacies(gocore_etcd_client *client)
{
    static struct story one, two;
    gocore_etcd_candidacy *first = stand(client, "/c/stand/", &one), *second;
    gocore_etcd_leadership *leadership, *again;
    int64_t token;
    int at = until_state(&one, GOCORE_ETCD_CANDIDACY_LEADING);

    CHECK(one.state[0] == GOCORE_ETCD_CANDIDACY_WAITING || at == 0);
    token = one.token[at];
    CHECK(strcmp(gocore_etcd_candidacy_key(first), "/go-core/elections/c/stand") == 0);
    CHECK(gocore_etcd_candidacy_state(first) == GOCORE_ETCD_CANDIDACY_LEADING && gocore_etcd_candidacy_is_leader(first));
    CHECK(gocore_etcd_candidacy_token(first) == token && gocore_etcd_candidacy_place(first) == 0);
    second = stand(client, "c/stand", &two);
    until_candidates(client, "c/stand", 2);
    while (gocore_etcd_candidacy_place(second) != 1)
        usleep(1000);
    CHECK(gocore_etcd_candidacy_state(second) == GOCORE_ETCD_CANDIDACY_WAITING);
    CHECK(gocore_etcd_candidacy_leadership(second) == NULL && !gocore_etcd_candidacy_is_leader(second));

    /* Its leadership is a handle like any other; freed it changes nothing. */
    again = gocore_etcd_candidacy_leadership(first);
    gocore_etcd_leadership_free(again);
    leadership = gocore_etcd_candidacy_leadership(first);
    CHECK(gocore_etcd_leadership_is_leader(leadership) && gocore_etcd_leadership_token(leadership) == token);
    EXPECT(OK, gocore_etcd_leadership_proclaim(leadership, "stands here", 0, &err));

    /* Deposed it queues again, behind the other. */
    settle();
    depose(client, "c/stand");
    until_state(&two, GOCORE_ETCD_CANDIDACY_LEADING);
    until_candidates(client, "c/stand", 2);
    at = until_state(&one, GOCORE_ETCD_CANDIDACY_WAITING);
    while (gocore_etcd_candidacy_place(first) != 1)
        usleep(1000);
    CHECK(!gocore_etcd_leadership_is_leader(leadership) && gocore_etcd_candidacy_token(second) > token);
    for (; one.state[at] != GOCORE_ETCD_CANDIDACY_LOST; at--)
        CHECK(at > 0);
    CHECK(one.state[at - 1] == GOCORE_ETCD_CANDIDACY_LEADING);
    gocore_etcd_leadership_free(leadership);

    /* Resigned, that is its last word. */
    EXPECT(OK, gocore_etcd_candidacy_resign(second, 0, &err));
    CHECK(gocore_etcd_candidacy_state(second) == GOCORE_ETCD_CANDIDACY_RESIGNED);
    EXPECT(OK, gocore_etcd_candidacy_resign(second, 0, &err));
    await(&two, &two.freed, 1);
    CHECK(two.state[two.told - 1] == GOCORE_ETCD_CANDIDACY_RESIGNED);
    CHECK(gocore_etcd_candidacy_leadership(second) == NULL);
    until_state(&one, GOCORE_ETCD_CANDIDACY_LEADING);

    /* Freed, nothing is told any more; a leadership that somebody has lives on. */
    leadership = gocore_etcd_candidacy_leadership(first);
    gocore_etcd_candidacy_free(first);
    await(&one, &one.freed, 1);
    CHECK(one.state[one.told - 1] == GOCORE_ETCD_CANDIDACY_LEADING);
    usleep(300000);
    CHECK(gocore_etcd_leadership_is_leader(leadership) && candidates(client, "c/stand") == 1);
    gocore_etcd_leadership_free(leadership);
    until_candidates(client, "c/stand", 0);
    gocore_etcd_candidacy_free(second);
}

/* Who resigns while waiting leaves the queue; who resigns by the leadership has ended the candidacy. */
static void resigned(gocore_etcd_client *client)
{
    static struct story one, two;
    gocore_etcd_candidacy *first = stand(client, "c/leave", &one), *second, *silent;
    gocore_etcd_leadership *leadership;
    until_state(&one, GOCORE_ETCD_CANDIDACY_LEADING);
    second = stand(client, "c/leave", &two);
    until_candidates(client, "c/leave", 2);
    EXPECT(OK, gocore_etcd_candidacy_resign(second, 0, &err));
    await(&two, &two.freed, 1);
    until_candidates(client, "c/leave", 1);
    leadership = gocore_etcd_candidacy_leadership(first);
    EXPECT(OK, gocore_etcd_leadership_resign(leadership, 0, &err));
    await(&one, &one.freed, 1);
    CHECK(one.state[one.told - 1] == GOCORE_ETCD_CANDIDACY_RESIGNED);
    CHECK(gocore_etcd_candidacy_state(first) == GOCORE_ETCD_CANDIDACY_RESIGNED);
    gocore_etcd_candidacy_free(first);
    gocore_etcd_leadership_free(leadership);
    gocore_etcd_candidacy_free(second);

    /* Without a callback it is looked at; `user_data` is given back all the same. */
    story_init(&one);
    EXPECT(OK, gocore_etcd_election_candidacy(client, "c/leave", "silent", NULL, NULL, &one, on_story_free, &silent, &err));
    while (!gocore_etcd_candidacy_is_leader(silent))
        usleep(1000);
    gocore_etcd_candidacy_free(silent);
    await(&one, &one.freed, 1);
    until_candidates(client, "c/leave", 0);
}

static int slow_inside;

static void on_state_slowly(void *user_data, int32_t state, uint64_t place, int64_t token, const gocore_etcd_error *problem)
{
    __atomic_store_n(&slow_inside, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&slow_inside, __ATOMIC_SEQ_CST) == 1)
        usleep(1000);
    on_state(user_data, state, place, token, problem);
}

/* However slow its callback is, a candidacy goes on and can be looked at; freed, it tells nothing more of that. */
static void slowly(gocore_etcd_client *client)
{
    static struct story story;
    gocore_etcd_candidacy *candidacy;
    story_init(&story);
    EXPECT(OK, gocore_etcd_election_candidacy(client, "c/slow", "slow", NULL, on_state_slowly, &story, on_story_free,
                                              &candidacy, &err));
    while (__atomic_load_n(&slow_inside, __ATOMIC_SEQ_CST) == 0 || !gocore_etcd_candidacy_is_leader(candidacy))
        usleep(1000);
    EXPECT(DEADLINE_EXCEEDED, gocore_etcd_candidacy_cancel_wait(candidacy, 100, &err));
    CHECK(gocore_etcd_candidacy_is_leader(candidacy) && story.freed == 0);
    gocore_etcd_candidacy_free(candidacy);
    __atomic_store_n(&slow_inside, 2, __ATOMIC_SEQ_CST);
    await(&story, &story.freed, 1);
    CHECK(story.told == 1);
    until_candidates(client, "c/slow", 0);

    /* The same without waiting before it is freed. */
    slow_inside = 0;
    story_init(&story);
    EXPECT(OK, gocore_etcd_election_candidacy(client, "c/slow", "slow", NULL, on_state_slowly, &story, on_story_free,
                                              &candidacy, &err));
    while (__atomic_load_n(&slow_inside, __ATOMIC_SEQ_CST) == 0 || !gocore_etcd_candidacy_is_leader(candidacy))
        usleep(1000);
    gocore_etcd_candidacy_free(candidacy);
    __atomic_store_n(&slow_inside, 2, __ATOMIC_SEQ_CST);
    await(&story, &story.freed, 1);
    CHECK(story.told == 1);
}

/* Work that leads until it is told to stop, or until it is let go. */
struct work {
    struct story story;
    int started, stopped, inside, stopping, let_go;
    /* It does not obey. */
    int deaf;
    int64_t token, stopped_token;
    int32_t answer;
    gocore_etcd_client *client;
    gocore_etcd_subscription *subscription, *other;
    void (*act)(struct work *, gocore_etcd_leadership *);
};

static int32_t on_start(void *user_data, gocore_etcd_leadership *leadership)
{
    struct work *work = user_data;
    int64_t token = gocore_etcd_leadership_token(leadership);
    int let_go;
    int32_t answer;
    pthread_mutex_lock(&work->story.mutex);
    CHECK(work->inside++ == 0 && work->stopping == 0 && work->story.freed == 0);
    CHECK(token > work->token && work->stopped_token <= token);
    work->token = token;
    let_go = work->let_go;
    work->started++;
    pthread_cond_broadcast(&work->story.changed);
    if (work->act != NULL) {
        pthread_mutex_unlock(&work->story.mutex);
        work->act(work, leadership);
        pthread_mutex_lock(&work->story.mutex);
    }
    while ((work->deaf || work->stopped_token < token) && work->let_go == let_go)
        pthread_cond_wait(&work->story.changed, &work->story.mutex);
    work->inside--;
    answer = work->answer;
    pthread_mutex_unlock(&work->story.mutex);
    return answer;
}

/* Slow, so that whoever does not wait for it is seen. */
static void on_stop(void *user_data, int64_t token)
{
    struct work *work = user_data;
    pthread_mutex_lock(&work->story.mutex);
    CHECK(work->stopping++ == 0 && work->story.freed == 0 && token > work->stopped_token && token >= work->token);
    work->stopped++;
    work->stopped_token = token;
    pthread_cond_broadcast(&work->story.changed);
    pthread_mutex_unlock(&work->story.mutex);
    usleep(20000);
    pthread_mutex_lock(&work->story.mutex);
    work->stopping--;
    pthread_mutex_unlock(&work->story.mutex);
}

static void on_work_free(void *user_data)
{
    struct work *work = user_data;
    CHECK(work->inside == 0 && work->stopping == 0);
    on_story_free(&work->story);
}

static void run(gocore_etcd_client *client, const char *key, struct work *work)
{
    memset(work, 0, sizeof *work);
    story_init(&work->story);
    EXPECT(OK, gocore_etcd_election_run(client, key, "works", NULL, on_start, on_stop, work, on_work_free,
                                        &work->subscription, &err));
}

static void let_go(struct work *work, int32_t answer)
{
    pthread_mutex_lock(&work->story.mutex);
    work->answer = answer;
    work->let_go++;
    pthread_cond_broadcast(&work->story.changed);
    pthread_mutex_unlock(&work->story.mutex);
}

static void works(gocore_etcd_client *client)
{
    static struct work work;
    gocore_etcd_leadership *other;

    /* It ends a leadership by returning, others lead, and it leads again. */
    run(client, "c/work", &work);
    await(&work.story, &work.started, 1);
    let_go(&work, GOCORE_ETCD_RUN_AGAIN);
    await(&work.story, &work.started, 2);
    CHECK(work.stopped == 0);

    /* Deposed it is told to stop, and begun anew. */
    settle();
    depose(client, "c/work");
    await(&work.story, &work.stopped, 1);
    await(&work.story, &work.started, 3);

    /* As long as it does not stop it does not campaign: another leads. */
    pthread_mutex_lock(&work.story.mutex);
    work.deaf = 1;
    pthread_mutex_unlock(&work.story.mutex);
    settle();
    depose(client, "c/work");
    await(&work.story, &work.stopped, 2);
    until_candidates(client, "c/work", 0);
    other = campaign(client, "c/work", "other");
    usleep(300000);
    CHECK(candidates(client, "c/work") == 1 && work.started == 3);
    let_go(&work, GOCORE_ETCD_RUN_AGAIN);
    until_candidates(client, "c/work", 2);
    CHECK(work.started == 3);
    gocore_etcd_leadership_free(other);
    await(&work.story, &work.started, 4);

    /* Done, it resigns and is over. */
    let_go(&work, GOCORE_ETCD_RUN_DONE);
    await(&work.story, &work.story.freed, 1);
    CHECK(work.stopped == 2 && work.started == 4 && candidates(client, "c/work") == 0);
    gocore_etcd_subscription_free(work.subscription);
}

static void ended(char **argv, gocore_etcd_client *client)
{
    static struct work work, waiting;
    gocore_etcd_client *own;
    gocore_etcd_subscription *subscription;

    /* Cancelled while it works: told to stop, and waited for. Another, which waits, is never begun. */
    run(client, "c/end", &work);
    await(&work.story, &work.started, 1);
    run(client, "c/end", &waiting);
    until_candidates(client, "c/end", 2);
    end_subscription(waiting.subscription, &waiting.story);
    CHECK(waiting.started == 0 && waiting.stopped == 0);
    end_subscription(work.subscription, &work.story);
    CHECK(work.started == 1 && work.stopped == 1);
    until_candidates(client, "c/end", 0);

    /* Freed while it works: it keeps the leadership until it returns. */
    run(client, "c/end", &work);
    await(&work.story, &work.started, 1);
    pthread_mutex_lock(&work.story.mutex);
    work.deaf = 1;
    pthread_mutex_unlock(&work.story.mutex);
    gocore_etcd_subscription_free(work.subscription);
    await(&work.story, &work.stopped, 1);
    CHECK(candidates(client, "c/end") == 1 && work.story.freed == 0);
    let_go(&work, GOCORE_ETCD_RUN_AGAIN);
    await(&work.story, &work.story.freed, 1);
    until_candidates(client, "c/end", 0);
    CHECK(work.started == 1);

    /* Closing has it stopped and waits; freeing the client's handle does neither. */
    own = connect_to(argv);
    run(own, "c/end", &work);
    await(&work.story, &work.started, 1);
    subscription = work.subscription;
    EXPECT(OK, gocore_etcd_client_close(own, 0, &err));
    CHECK(work.stopped == 1 && work.story.freed == 1 && candidates(client, "c/end") == 0);
    gocore_etcd_client_free(own);
    gocore_etcd_subscription_free(subscription);

    own = connect_to(argv);
    run(own, "c/end", &work);
    gocore_etcd_client_free(own);
    await(&work.story, &work.started, 1);
    end_subscription(work.subscription, &work.story);
    CHECK(work.stopped == 1);
    until_candidates(client, "c/end", 0);
}

static void frees_its_run(struct work *work, gocore_etcd_leadership *leadership)
{
    CHECK(gocore_etcd_leadership_is_leader(leadership));
    EXPECT(WRONG_CONTEXT, gocore_etcd_subscription_cancel_wait(work->subscription, 1000, &err));
    gocore_etcd_subscription_free(work->subscription);
}

static void resigns_by_itself(struct work *work, gocore_etcd_leadership *leadership)
{
    EXPECT(OK, gocore_etcd_leadership_put(leadership, "/c/work", 7, "1", 1, NULL, 0, NULL, &err));
    EXPECT(OK, gocore_etcd_leadership_proclaim(leadership, "works hard", 0, &err));
    EXPECT(OK, gocore_etcd_leadership_resign(leadership, 0, &err));
    /* It is not stopped for that. */
    usleep(300000);
    CHECK(work->stopped == 0);
    let_go(work, GOCORE_ETCD_RUN_DONE);
}

static void from_inside(gocore_etcd_client *client)
{
    static struct work work;
    gocore_etcd_subscription *subscription;

    memset(&work, 0, sizeof work);
    story_init(&work.story);
    work.act = frees_its_run;
    EXPECT(OK, gocore_etcd_election_run(client, "c/inside", "works", NULL, on_start, on_stop, &work, on_work_free,
                                        &work.subscription, &err));
    await(&work.story, &work.story.freed, 1);
    CHECK(work.started == 1 && work.stopped == 1);

    memset(&work, 0, sizeof work);
    story_init(&work.story);
    work.act = resigns_by_itself;
    EXPECT(OK, gocore_etcd_election_run(client, "c/inside", "works", NULL, on_start, on_stop, &work, on_work_free,
                                        &subscription, &err));
    await(&work.story, &work.story.freed, 1);
    CHECK(work.started == 1 && work.stopped == 0);
    gocore_etcd_subscription_free(subscription);
    until_candidates(client, "c/inside", 0);
}

/* Others are waited for, as long as they are no runs, which could wait for this one; closing does not wait for the work. */
static void closes_its_client(struct work *work, gocore_etcd_leadership *leadership)
{
    static struct story story;
    gocore_etcd_subscription *observing = observe(work->client, "c/close-inside", &story);
    await(&story, &story.told, 1);
    end_subscription(observing, &story);
    EXPECT(WRONG_CONTEXT, gocore_etcd_subscription_cancel_wait(work->other, 0, &err));
    EXPECT(OK, gocore_etcd_client_close(work->client, 0, &err));
    CHECK(!gocore_etcd_leadership_is_leader(leadership));
}

static void closed_from_inside(char **argv, gocore_etcd_client *client)
{
    static struct work work, other;
    run(client, "c/other", &other);
    memset(&work, 0, sizeof work);
    story_init(&work.story);
    work.act = closes_its_client;
    work.client = connect_to(argv);
    work.other = other.subscription;
    EXPECT(OK, gocore_etcd_election_run(work.client, "c/close-inside", "works", NULL, on_start, on_stop, &work,
                                        on_work_free, &work.subscription, &err));
    await(&work.story, &work.story.freed, 1);
    CHECK(work.started == 1 && work.stopped == 1);
    gocore_etcd_subscription_free(work.subscription);
    gocore_etcd_client_free(work.client);
    end_subscription(other.subscription, &other.story);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* When the work was begun. */
struct spinning {
    struct story story;
    double began[64], returned[64];
    int count;
};

/* It gives up at once, but for its sixth leadership. */
static int32_t on_start_spinning(void *user_data, gocore_etcd_leadership *leadership)
{
    struct spinning *spinning = user_data;
    int n;
    (void)leadership;
    pthread_mutex_lock(&spinning->story.mutex);
    n = spinning->count;
    CHECK(n < 64);
    spinning->began[n] = seconds();
    pthread_mutex_unlock(&spinning->story.mutex);
    if (n == 5)
        usleep(2500000);
    pthread_mutex_lock(&spinning->story.mutex);
    spinning->returned[n] = seconds();
    spinning->count++;
    pthread_cond_broadcast(&spinning->story.changed);
    pthread_mutex_unlock(&spinning->story.mutex);
    return GOCORE_ETCD_RUN_AGAIN;
}

static void on_stop_nothing(void *user_data, int64_t token)
{
    (void)user_data;
    (void)token;
}

/* Work that fails at once burns no leaderships: the pauses grow, until it has led for a while. */
static void spins(gocore_etcd_client *client)
{
    static struct spinning spinning;
    gocore_etcd_subscription *subscription;
    int n;
    story_init(&spinning.story);
    EXPECT(OK, gocore_etcd_election_run(client, "c/spin", "spins", NULL, on_start_spinning, on_stop_nothing, &spinning,
                                        on_story_free, &subscription, &err));
    /* It does not stand still while we look. */
    pthread_mutex_lock(&spinning.story.mutex);
    while (spinning.count < 8)
        pthread_cond_wait(&spinning.story.changed, &spinning.story.mutex);
    pthread_mutex_unlock(&spinning.story.mutex);
    end_subscription(subscription, &spinning.story);
    /* 50 ms at first, each twice as long, give or take a tenth. */
    for (n = 0; n < 5; n++)
        CHECK(spinning.began[n + 1] - spinning.returned[n] >= 0.045 * (1 << n));
    CHECK(spinning.began[6] - spinning.returned[5] < 1.4);
    CHECK(spinning.began[7] - spinning.returned[6] >= 0.045);
}

/* Start and stop beside each other from every side: at any moment one start at most, and a stop only within it. */
static void torn(gocore_etcd_client *client)
{
    static struct work work;
    int n;
    for (n = 0; n < 30; n++) {
        run(client, "c/torn", &work);
        if (n % 3 != 0)
            await(&work.story, &work.started, 1);
        if (n % 3 == 1)
            let_go(&work, GOCORE_ETCD_RUN_AGAIN);
        end_subscription(work.subscription, &work.story);
        CHECK(work.stopped <= work.started);
    }
    until_candidates(client, "c/torn", 0);
}

static void refused(gocore_etcd_client *client)
{
    gocore_etcd_candidacy *candidacy = (gocore_etcd_candidacy *)&err_garbage;
    gocore_etcd_subscription *none = (gocore_etcd_subscription *)&err_garbage;
    gocore_etcd_election_options options = GOCORE_ETCD_ELECTION_OPTIONS_INIT;
    static struct story story;

    story_init(&story);
#define STAND(key, identity, options, out)                                                                             \
    gocore_etcd_election_candidacy(client, key, identity, options, on_state, &story, on_story_free, out, &err)
#define RUN(key, identity, start, stop, out)                                                                           \
    gocore_etcd_election_run(client, key, identity, NULL, start, stop, &story, on_story_free, out, &err)
    options.ttl_ms = -1;
    REFUSED("key", STAND(" ", "i", NULL, &candidacy));
    CHECK(candidacy == NULL && story.freed == 1);
    REFUSED("identity", STAND("k", " ", NULL, &candidacy));
    REFUSED("options.ttl_ms", STAND("k", "i", &options, &candidacy));
    REFUSED("candidacy", STAND("k", "i", NULL, NULL));
    CHECK(story.freed == 4);
    REFUSED("key", RUN("/", "i", on_start, on_stop, &none));
    CHECK(none == NULL && story.freed == 5);
    REFUSED("identity", RUN("k", "", on_start, on_stop, &none));
    REFUSED("start", RUN("k", "i", NULL, on_stop, &none));
    REFUSED("stop", RUN("k", "i", on_start, NULL, &none));
    REFUSED("subscription", RUN("k", "i", on_start, on_stop, NULL));
    CHECK(story.freed == 9 && story.told == 0);
}

/* Closing resigns candidacies and gives all back; each handle is freed after its client. */
static void closed(char **argv, gocore_etcd_client *other)
{
    static struct story story;
    gocore_etcd_client *client = connect_to(argv);
    gocore_etcd_candidacy *candidacy = stand(client, "c/closed", &story), *late;
    until_state(&story, GOCORE_ETCD_CANDIDACY_LEADING);
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    CHECK(story.freed == 1 && !gocore_etcd_candidacy_is_leader(candidacy) && candidates(other, "c/closed") == 0);
    EXPECT(CLOSED, gocore_etcd_election_candidacy(client, "c/closed", "late", NULL, NULL, NULL, NULL, &late, &err));
    CHECK(late == NULL);
    gocore_etcd_client_free(client);
    gocore_etcd_candidacy_free(candidacy);

    client = connect_to(argv);
    candidacy = stand(client, "c/closed", &story);
    gocore_etcd_client_free(client);
    until_state(&story, GOCORE_ETCD_CANDIDACY_LEADING);
    gocore_etcd_candidacy_free(candidacy);
    await(&story, &story.freed, 1);
    until_candidates(other, "c/closed", 0);
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    CHECK(argc > 1);
    client = connect_to(argv);
    refused(client);
    candidacies(client);
    resigned(client);
    slowly(client);
    works(client);
    ended(argv, client);
    from_inside(client);
    closed_from_inside(argv, client);
    spins(client);
    torn(client);
    closed(argv, client);
    close_and_free(client);
    return 0;
}
