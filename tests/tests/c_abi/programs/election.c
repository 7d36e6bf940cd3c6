/* Elections over the C interface: campaigning, leading, resigning, and what others see of it. */
#include "electing.h"

static struct story story;

static void identity_is(gocore_etcd_leadership *leadership, const char *expected)
{
    char *identity;
    EXPECT(OK, gocore_etcd_leadership_identity(leadership, &identity, &err));
    CHECK(strcmp(identity, expected) == 0);
    gocore_etcd_string_free(identity);
}

static void leader_is(gocore_etcd_client *client, const char *key, const char *identity, int64_t token)
{
    gocore_etcd_leader *leader = (gocore_etcd_leader *)&err_garbage, *kept;
    size_t len = 7;
    EXPECT(OK, gocore_etcd_election_leader(client, key, 0, &leader, &err));
    if (identity == NULL) {
        CHECK(leader == NULL && gocore_etcd_leader_identity(leader, &len) == NULL && len == 0);
        return;
    }
    kept = gocore_etcd_leader_clone(leader);
    gocore_etcd_leader_free(leader);
    CHECK(strcmp(gocore_etcd_leader_identity(kept, &len), identity) == 0 && len == strlen(identity));
    CHECK(gocore_etcd_leader_token(kept) == token && gocore_etcd_leader_revision(kept) >= token);
    gocore_etcd_leader_free(kept);
}

static void leads_and_resigns(gocore_etcd_client *client)
{
    gocore_etcd_leadership *first, *second = (gocore_etcd_leadership *)&err_garbage;
    int64_t token, revision = 0;

    leader_is(client, "c/lead", NULL, 0);
    first = campaign(client, "/c/lead/", "one");
    token = gocore_etcd_leadership_token(first);
    CHECK(strcmp(gocore_etcd_leadership_key(first), "/go-core/elections/c/lead") == 0);
    identity_is(first, "one");
    leader_is(client, "c/lead", "one", token);
    EXPECT(DEADLINE_EXCEEDED, gocore_etcd_election_campaign(client, "c/lead", "two", NULL, 100, NULL, &second, &err));
    CHECK(second == NULL);
    second = (gocore_etcd_leadership *)&err_garbage;
    NO_ERROR(NOT_ACQUIRED, gocore_etcd_election_try_campaign(client, "c/lead", "two", NULL, 0, &second, &err));
    CHECK(second == NULL);
    REFUSED("identity", gocore_etcd_election_try_campaign(client, "c/lead", " ", NULL, 0, &second, &err));
    NO_ERROR(DEADLINE_EXCEEDED, gocore_etcd_leadership_wait_lost(first, 50, NULL, &err));

    EXPECT(OK, gocore_etcd_leadership_proclaim(first, "one, again", 0, &err));
    identity_is(first, "one, again");
    leader_is(client, "c/lead", "one, again", token);
    REFUSED("identity", gocore_etcd_leadership_proclaim(first, " ", 0, &err));
    REFUSED("identity", gocore_etcd_leadership_proclaim(first, NULL, 0, &err));
    identity_is(first, "one, again");

    EXPECT(OK, gocore_etcd_leadership_put(first, "/c/led", 6, "1", 1, NULL, 0, &revision, &err));
    CHECK(revision > token);
    until_candidates(client, "c/lead", 1);
    EXPECT(OK, gocore_etcd_leadership_resign(first, 0, &err));
    EXPECT(OK, gocore_etcd_leadership_resign(first, 5000, &err));
    CHECK(!gocore_etcd_leadership_is_leader(first));
    EXPECT(OK, gocore_etcd_leadership_wait_lost(first, 0, NULL, &err));
    EXPECT(LOST, gocore_etcd_leadership_put(first, "/c/led", 6, "2", 1, NULL, 0, &revision, &err));
    CHECK(revision == 0);
    EXPECT(LOST, gocore_etcd_leadership_proclaim(first, "one", 0, &err));
    leader_is(client, "c/lead", NULL, 0);
    EXPECT(OK, gocore_etcd_election_try_campaign(client, "c/lead", "two", NULL, 0, &second, &err));
    leader_is(client, "c/lead", "two", gocore_etcd_leadership_token(second));
    EXPECT(OK, gocore_etcd_leadership_resign(second, 0, &err));
    gocore_etcd_leadership_free(second);

    second = campaign(client, "c/lead", "two");
    CHECK(gocore_etcd_leadership_token(second) > token);
    gocore_etcd_leadership_free(second);
    until_candidates(client, "c/lead", 0);
    gocore_etcd_leadership_free(first);
}

struct candidate {
    gocore_etcd_client *client;
    gocore_etcd_cancel_token *token;
    const char *key;
    int turn;
};

static int turns;

static void *take_a_turn(void *argument)
{
    struct candidate *candidate = argument;
    gocore_etcd_leadership *leadership = campaign(candidate->client, candidate->key, "in order");
    CHECK(__atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST) == candidate->turn);
    EXPECT(OK, gocore_etcd_leadership_resign(leadership, 0, &err));
    gocore_etcd_leadership_free(leadership);
    return NULL;
}

/* Candidates of one process lead in the order in which they came. */
static void in_order_of_arrival(gocore_etcd_client *client)
{
    gocore_etcd_leadership *first = campaign(client, "c/order", "first");
    struct candidate candidate[4];
    pthread_t threads[4];
    int n;
    for (n = 0; n < 4; n++) {
        candidate[n].client = client;
        candidate[n].key = "c/order";
        candidate[n].turn = n + 1;
        CHECK(pthread_create(&threads[n], NULL, take_a_turn, &candidate[n]) == 0);
        until_candidates(client, "c/order", (uint64_t)n + 2);
    }
    CHECK(turns == 0);
    EXPECT(OK, gocore_etcd_leadership_resign(first, 0, &err));
    for (n = 0; n < 4; n++)
        pthread_join(threads[n], NULL);
    CHECK(turns == 4);
    gocore_etcd_leadership_free(first);
}

/* A candidate's key of a foreign program, ahead of everybody. */
static void put_candidate(gocore_etcd_client *client, const char *key, const char *value, size_t len)
{
    EXPECT(OK, gocore_etcd_kv_put(client, key, strlen(key), value, len, NULL, 0, NULL, &err));
}

static void observed(gocore_etcd_client *client)
{
    const char *foreign = "/go-core/elections/c/seen/foreign";
    gocore_etcd_subscription *subscription = observe(client, "c/seen", &story);
    gocore_etcd_leadership *leadership;
    gocore_etcd_leader *leader = (gocore_etcd_leader *)&err_garbage;
    int64_t token;

    /* Nobody ever was a candidate: that is told first. */
    await(&story, &story.told, 1);
    CHECK(story.token[0] == 0 && story.problems == 0);
    leadership = campaign(client, "c/seen", "one");
    token = gocore_etcd_leadership_token(leadership);
    await(&story, &story.told, 2);
    CHECK(story.token[1] == token && strcmp(story.identity[1], "one") == 0 && story.revision[1] == token);
    EXPECT(OK, gocore_etcd_leadership_proclaim(leadership, "two \xc3\xa4", 0, &err));
    await(&story, &story.told, 3);
    CHECK(story.token[2] == token && strcmp(story.identity[2], "two \xc3\xa4") == 0 && story.revision[2] > token);
    EXPECT(OK, gocore_etcd_leadership_resign(leadership, 0, &err));
    gocore_etcd_leadership_free(leadership);
    await(&story, &story.told, 4);
    CHECK(story.token[3] == 0 && story.problems == 0);

    /* What cannot be read is told, and so is what comes after. */
    put_candidate(client, foreign, "\xff", 1);
    await(&story, &story.told, 5);
    CHECK(story.token[4] == 0 && story.problems == 1);
    EXPECT(MALFORMED, gocore_etcd_election_leader(client, "c/seen", 0, &leader, &err));
    CHECK(leader == NULL);
    put_candidate(client, foreign, "readable", 8);
    await(&story, &story.told, 6);
    CHECK(story.token[5] > token && strcmp(story.identity[5], "readable") == 0 && story.problems == 1);
    end_subscription(subscription, &story);
    EXPECT(OK, gocore_etcd_kv_delete(client, foreign, strlen(foreign), NULL, 0, NULL, &err));
    CHECK(story.told == 6);
}

/* Those who hold a leadership ask about its election by it, whoever leads now; its full key names no election. */
static void seen_from_a_leadership(gocore_etcd_client *client)
{
    gocore_etcd_leadership *first = campaign(client, "c/own", "first"), *second;
    int64_t token = gocore_etcd_leadership_token(first);
    gocore_etcd_subscription *subscription;
    gocore_etcd_leader *leader;

    leader_is(client, gocore_etcd_leadership_key(first), NULL, 0);
    EXPECT(OK, gocore_etcd_leadership_leader(first, 0, &leader, &err));
    CHECK(gocore_etcd_leader_token(leader) == token);
    gocore_etcd_leader_free(leader);
    story_init(&story);
    EXPECT(OK, gocore_etcd_leadership_observe(first, on_leader, &story, on_story_free, &subscription, &err));
    await(&story, &story.told, 1);
    CHECK(story.token[0] == token && strcmp(story.identity[0], "first") == 0);
    EXPECT(OK, gocore_etcd_leadership_resign(first, 0, &err));
    await(&story, &story.told, 2);
    EXPECT(OK, gocore_etcd_leadership_leader(first, 0, &leader, &err));
    CHECK(leader == NULL && story.token[1] == 0);
    second = campaign(client, "c/own", "second");
    EXPECT(OK, gocore_etcd_leadership_leader(first, 0, &leader, &err));
    CHECK(gocore_etcd_leader_token(leader) == gocore_etcd_leadership_token(second));
    gocore_etcd_leader_free(leader);
    /* The observation outlives the leadership that it was begun with. */
    gocore_etcd_leadership_free(first);
    await(&story, &story.told, 3);
    CHECK(story.token[2] > token && strcmp(story.identity[2], "second") == 0 && story.problems == 0);
    gocore_etcd_leadership_free(second);
    await(&story, &story.told, 4);
    CHECK(story.token[3] == 0);
    end_subscription(subscription, &story);
}

/* An identity with a NUL inside, which only a foreign program can have written, does not pass for another. */
static void foreign_identities(gocore_etcd_client *client)
{
    const char *foreign = "/go-core/elections/c/nul/foreign";
    gocore_etcd_leader *leader;
    size_t len;
    put_candidate(client, foreign, "a\0b", 3);
    EXPECT(OK, gocore_etcd_election_leader(client, "c/nul", 0, &leader, &err));
    CHECK(memcmp(gocore_etcd_leader_identity(leader, &len), "a\0b", 4) == 0 && len == 3);
    CHECK(gocore_etcd_leader_identity(leader, NULL) != NULL);
    gocore_etcd_leader_free(leader);
    EXPECT(OK, gocore_etcd_kv_delete(client, foreign, strlen(foreign), NULL, 0, NULL, &err));
}

static void guarded_transaction(gocore_etcd_client *client)
{
    gocore_etcd_leadership *leadership = campaign(client, "c/guard", "guard");
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_op put;
    gocore_etcd_txn_result *result;

    memset(&put, 0, sizeof put);
    put.kind = GOCORE_ETCD_OP_PUT;
    put.key = "/c/led";
    put.key_len = 6;
    txn.then_ops = &put;
    txn.then_ops_len = 1;
    txn.leadership = leadership;
    EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    CHECK(gocore_etcd_txn_result_succeeded(result));
    gocore_etcd_txn_result_free(result);
    EXPECT(OK, gocore_etcd_leadership_resign(leadership, 0, &err));
    EXPECT(LOST, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    CHECK(result == NULL);
    /* A program that knows no leadership yet ends its struct before it. */
    txn.struct_size = offsetof(gocore_etcd_txn, leadership);
    EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    gocore_etcd_txn_result_free(result);
    gocore_etcd_leadership_free(leadership);
}

static void on_lost(void *user_data)
{
    struct story *lost = user_data;
    pthread_mutex_lock(&lost->mutex);
    story_next(lost);
}

/* Somebody deletes the leader's key: the leadership is lost at once, and everything says so. */
static void taken_away(gocore_etcd_client *client)
{
    gocore_etcd_leadership *leadership = campaign(client, "c/taken", "taken");
    gocore_etcd_subscription *subscription, *late;
    struct story unlost;

    story_init(&story);
    EXPECT(OK, gocore_etcd_leadership_on_lost(leadership, on_lost, &story, on_story_free, &subscription, &err));
    settle();
    depose(client, "c/taken");
    EXPECT(OK, gocore_etcd_leadership_wait_lost(leadership, 20000, NULL, &err));
    await(&story, &story.freed, 1);
    CHECK(story.told == 1 && !gocore_etcd_leadership_is_leader(leadership));
    EXPECT(LOST, gocore_etcd_leadership_proclaim(leadership, "still", 0, &err));
    EXPECT(LOST, gocore_etcd_leadership_put(leadership, "/c/led", 6, "1", 1, NULL, 0, NULL, &err));
    EXPECT(LOST, gocore_etcd_leadership_resign(leadership, 0, &err));
    gocore_etcd_subscription_free(subscription);
    /* At once when it was lost already. */
    story_init(&story);
    EXPECT(OK, gocore_etcd_leadership_on_lost(leadership, on_lost, &story, on_story_free, &late, &err));
    await(&story, &story.freed, 1);
    CHECK(story.told == 1);
    gocore_etcd_subscription_free(late);
    gocore_etcd_leadership_free(leadership);

    /* Never for one that is given back: the subscription ends. */
    leadership = campaign(client, "c/taken", "given back");
    story_init(&unlost);
    EXPECT(OK, gocore_etcd_leadership_on_lost(leadership, on_lost, &unlost, on_story_free, &subscription, &err));
    gocore_etcd_leadership_free(leadership);
    await(&unlost, &unlost.freed, 1);
    CHECK(unlost.told == 0);
    gocore_etcd_subscription_free(subscription);
}

static void *wait_until_cancelled(void *argument)
{
    struct candidate *candidate = argument;
    gocore_etcd_leadership *leadership;
    EXPECT(CANCELLED, gocore_etcd_election_campaign(candidate->client, candidate->key, "waits", NULL, 0,
                                                    candidate->token, &leadership, &err));
    CHECK(leadership == NULL);
    return NULL;
}

static void cancelled(gocore_etcd_client *client)
{
    gocore_etcd_leadership *leadership = campaign(client, "c/cancel", "stays");
    struct candidate candidate;
    pthread_t thread;

    candidate.client = client;
    candidate.key = "c/cancel";
    candidate.token = gocore_etcd_cancel_token_new();
    CHECK(pthread_create(&thread, NULL, wait_until_cancelled, &candidate) == 0);
    until_candidates(client, "c/cancel", 2);
    gocore_etcd_cancel_token_cancel(candidate.token);
    pthread_join(thread, NULL);
    until_candidates(client, "c/cancel", 1);
    EXPECT(CANCELLED, gocore_etcd_leadership_wait_lost(leadership, 0, candidate.token, &err));
    gocore_etcd_cancel_token_free(candidate.token);
    gocore_etcd_leadership_free(leadership);
}

static int begins;

static void *wait_for_loss(void *argument)
{
    __atomic_store_n(&begins, 1, __ATOMIC_RELEASE);
    EXPECT(OK, gocore_etcd_leadership_wait_lost(argument, 0, NULL, &err));
    return NULL;
}

/* Freed while another thread waits on it: the wait, which began before, ends well, and the leadership is given back. */
static void freed_under_way(gocore_etcd_client *client)
{
    gocore_etcd_leadership *leadership = campaign(client, "c/freed", "freed");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_for_loss, leadership) == 0);
    while (!__atomic_load_n(&begins, __ATOMIC_ACQUIRE))
        usleep(1000);
    /* It needs but to enter. */
    settle();
    gocore_etcd_leadership_free(leadership);
    pthread_join(thread, NULL);
    until_candidates(client, "c/freed", 0);
}

/* What an asynchronous campaign came to. */
struct outcome {
    struct story story;
    gocore_etcd_status status;
    gocore_etcd_leadership *leadership;
    int named;
};

static void on_campaign(void *user_data, gocore_etcd_status status, gocore_etcd_leadership *leadership,
                        gocore_etcd_error *err)
{
    struct outcome *outcome = user_data;
    pthread_mutex_lock(&outcome->story.mutex);
    CHECK((leadership == NULL) == (status != GOCORE_ETCD_STATUS_OK) && (err == NULL) == (leadership != NULL));
    CHECK(status == gocore_etcd_error_status(err));
    outcome->status = status;
    outcome->leadership = leadership;
    outcome->named = err != NULL && strstr(gocore_etcd_error_message(err), "c/async") != NULL;
    gocore_etcd_error_free(err);
    story_next(&outcome->story);
}

static void begin(gocore_etcd_client *client, int64_t timeout_ms, gocore_etcd_cancel_token *token,
                  struct outcome *outcome)
{
    story_init(&outcome->story);
    EXPECT(OK, gocore_etcd_election_campaign_async(client, "c/async", "async", NULL, timeout_ms, token, on_campaign,
                                                   outcome, on_story_free, &err));
}

static void without_blocking(char **argv, gocore_etcd_client *client)
{
    gocore_etcd_client *own = connect_to(argv);
    gocore_etcd_cancel_token *token = gocore_etcd_cancel_token_new();
    gocore_etcd_leadership *first;
    static struct outcome won, late, given_up, closed;

    begin(client, 20000, NULL, &won);
    await(&won.story, &won.story.freed, 1);
    CHECK(won.story.told == 1 && won.status == GOCORE_ETCD_STATUS_OK);
    first = won.leadership;
    CHECK(gocore_etcd_leadership_is_leader(first));
    begin(client, 100, NULL, &late);
    await(&late.story, &late.story.freed, 1);
    CHECK(late.story.told == 1 && late.status == GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED && late.named);
    begin(client, 0, token, &given_up);
    until_candidates(client, "c/async", 2);
    gocore_etcd_cancel_token_cancel(token);
    await(&given_up.story, &given_up.story.freed, 1);
    CHECK(given_up.story.told == 1 && given_up.status == GOCORE_ETCD_STATUS_CANCELLED && given_up.named);
    /* Neither the client's handle nor the token is needed any more; closing completes it. */
    until_candidates(client, "c/async", 1);
    begin(own, 0, NULL, &closed);
    until_candidates(client, "c/async", 2);
    EXPECT(OK, gocore_etcd_client_close(own, 0, &err));
    CHECK(closed.story.told == 1 && closed.story.freed == 1 && closed.status == GOCORE_ETCD_STATUS_CLOSED);
    gocore_etcd_client_free(own);
    gocore_etcd_cancel_token_free(token);
    until_candidates(client, "c/async", 1);
    EXPECT(OK, gocore_etcd_leadership_resign(first, 0, &err));
    gocore_etcd_leadership_free(first);
}

/* One byte more than 1 MiB, and its NUL. */
static char too_long[(1 << 20) + 2];

/* With everything else right. `user_data` is given back by every start that fails. */
static void refused(gocore_etcd_client *client)
{
    gocore_etcd_election_options options = GOCORE_ETCD_ELECTION_OPTIONS_INIT;
    gocore_etcd_leadership *leadership = (gocore_etcd_leadership *)&err_garbage;
    gocore_etcd_leader *leader;
    gocore_etcd_subscription *none = (gocore_etcd_subscription *)&err_garbage;

    REFUSED("key", gocore_etcd_election_campaign(client, " / ", "i", NULL, 0, NULL, &leadership, &err));
    CHECK(leadership == NULL);
    REFUSED("key", gocore_etcd_election_campaign(client, NULL, "i", NULL, 0, NULL, &leadership, &err));
    REFUSED("identity", gocore_etcd_election_campaign(client, "k", " \t", NULL, 0, NULL, &leadership, &err));
    REFUSED("identity", gocore_etcd_election_campaign(client, "k", "", NULL, 0, NULL, &leadership, &err));
    REFUSED("identity", gocore_etcd_election_campaign(client, "k", "\xff", NULL, 0, NULL, &leadership, &err));
    REFUSED("identity", gocore_etcd_election_campaign(client, "k", NULL, NULL, 0, NULL, &leadership, &err));
    REFUSED("leadership", gocore_etcd_election_campaign(client, "k", "i", NULL, 0, NULL, NULL, &err));
    REFUSED("timeout_ms", gocore_etcd_election_campaign(client, "k", "i", NULL, -5, NULL, &leadership, &err));
    REFUSED("key", gocore_etcd_election_leader(client, " ", 0, &leader, &err));
    CHECK(leader == NULL);
    options.ttl_ms = -1;
    REFUSED("options.ttl_ms", gocore_etcd_election_campaign(client, "k", "i", &options, 0, NULL, &leadership, &err));
    options.struct_size = 4;
    REFUSED("options", gocore_etcd_election_campaign(client, "k", "i", &options, 0, NULL, &leadership, &err));

    story_init(&story);
#define OBSERVE(key, callback, out) gocore_etcd_election_observe(client, key, callback, &story, on_story_free, out, &err)
    REFUSED("key", OBSERVE("/", on_leader, &none));
    CHECK(none == NULL && story.freed == 1);
    REFUSED("callback", OBSERVE("k", NULL, &none));
    REFUSED("subscription", OBSERVE("k", on_leader, NULL));
#define BEGIN(key, identity, callback)                                                                                 \
    gocore_etcd_election_campaign_async(client, key, identity, NULL, 0, NULL, callback, &story, on_story_free, &err)
    REFUSED("callback", BEGIN("k", "i", NULL));
    /* At once, not by the callback, which never runs. */
    REFUSED("key", BEGIN("", "i", on_campaign));
    REFUSED("key", BEGIN(" ", "i", on_campaign));
    REFUSED("key", BEGIN("/", "i", on_campaign));
    REFUSED("identity", BEGIN("k", "", on_campaign));
    REFUSED("identity", BEGIN("k", " \t", on_campaign));
    memset(too_long, 'x', sizeof too_long - 1);
    REFUSED("identity", BEGIN("k", too_long, on_campaign));
    CHECK(story.freed == 10 && story.told == 0);
}

/* Closing resigns and ends observations; freeing, in whatever order, ends what was freed. */
static void closed(char **argv, gocore_etcd_client *other)
{
    gocore_etcd_client *client = connect_to(argv);
    gocore_etcd_leadership *leadership = campaign(client, "c/closed", "closed"), *kept;
    gocore_etcd_subscription *subscription = observe(client, "c/closed", &story), *none;
    gocore_etcd_leader *leader;
    struct story kept_story;

    await(&story, &story.told, 1);
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    CHECK(story.freed == 1);
    CHECK(!gocore_etcd_leadership_is_leader(leadership));
    EXPECT(OK, gocore_etcd_leadership_wait_lost(leadership, 0, NULL, &err));
    EXPECT(CLOSED, gocore_etcd_leadership_put(leadership, "/c/led", 6, "1", 1, NULL, 0, NULL, &err));
    EXPECT(CLOSED, gocore_etcd_election_campaign_async(client, "c/closed", "late", NULL, 0, NULL, on_campaign, &story,
                                                       on_story_free, &err));
    EXPECT(CLOSED, gocore_etcd_leadership_observe(leadership, on_leader, &story, on_story_free, &none, &err));
    EXPECT(CLOSED, gocore_etcd_leadership_leader(leadership, 0, &leader, &err));
    CHECK(story.freed == 3 && none == NULL && leader == NULL);
    CHECK(candidates(other, "c/closed") == 0);
    gocore_etcd_client_free(client);
    gocore_etcd_subscription_free(subscription);
    gocore_etcd_leadership_free(leadership);

    /* The client's handle goes first: what was made with it keeps it alive. */
    client = connect_to(argv);
    kept = campaign(client, "c/kept", "kept");
    subscription = observe(client, "c/kept", &kept_story);
    gocore_etcd_client_free(client);
    await(&kept_story, &kept_story.told, 1);
    CHECK(gocore_etcd_leadership_is_leader(kept) && strcmp(kept_story.identity[0], "kept") == 0);
    gocore_etcd_leadership_free(kept);
    await(&kept_story, &kept_story.told, 2);
    CHECK(kept_story.token[1] == 0);
    end_subscription(subscription, &kept_story);
    until_candidates(other, "c/kept", 0);
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    CHECK(argc > 1);
    client = connect_to(argv);
    refused(client);
    leads_and_resigns(client);
    in_order_of_arrival(client);
    observed(client);
    seen_from_a_leadership(client);
    foreign_identities(client);
    guarded_transaction(client);
    taken_away(client);
    cancelled(client);
    freed_under_way(client);
    without_blocking(argv, client);
    closed(argv, client);
    close_and_free(client);
    return 0;
}
