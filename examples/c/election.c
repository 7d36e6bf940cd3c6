/* A report that one instance of a service writes, whoever leads: the election as a program uses it.
 *
 *   cc election.c -lgocore_etcd -o election && ./election [ENDPOINT]...       (127.0.0.1:2379 without)
 *
 * Run it in two terminals: the second waits until the first is done. Kill the first with SIGKILL, and the second leads once
 * the TTL has passed. Both see who does. */

#include <gocore_etcd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says what failed, and gives the error back. */
static int failed(gocore_etcd_error *err)
{
    fprintf(stderr, "%s\n", gocore_etcd_error_message(err));
    gocore_etcd_error_free(err);
    return EXIT_FAILURE;
}

/* Runs on a thread of the library: first for whoever leads now, then for each change. */
static void on_leader(void *user_data, const gocore_etcd_leader *leader, const gocore_etcd_error *problem)
{
    (void)user_data;
    if (problem != NULL)
        printf("who leads cannot be said: %s\n", gocore_etcd_error_message(problem));
    else if (leader == NULL)
        puts("nobody leads");
    else
        printf("%s leads with token %lld\n", gocore_etcd_leader_identity(leader, NULL),
               (long long)gocore_etcd_leader_token(leader));
}

/* The work. Its write is refused by etcd, should somebody else lead by the time it arrives. */
static int work(gocore_etcd_client *client, gocore_etcd_leadership *leadership)
{
    const char *parts[] = {"reports", "last"};
    const char *text = "all is well";
    char *key;
    int64_t revision;
    gocore_etcd_error *err;

    /* One second of work; should the leadership be lost meanwhile, stop: the next may begin any moment now. */
    if (gocore_etcd_leadership_wait_lost(leadership, 1000, NULL, &err) == GOCORE_ETCD_STATUS_OK) {
        puts("lost: stop here");
        return EXIT_FAILURE;
    }
    if (err != NULL || gocore_etcd_client_key(client, parts, 2, &key, &err) != GOCORE_ETCD_STATUS_OK)
        return failed(err);
    gocore_etcd_leadership_put(leadership, key, strlen(key), text, strlen(text), NULL, 0, &revision, &err);
    gocore_etcd_string_free(key);
    if (err != NULL)
        return failed(err);
    printf("the report was written at revision %lld\n", (long long)revision);
    return EXIT_SUCCESS;
}

static int lead(gocore_etcd_client *client, const char *identity)
{
    gocore_etcd_election_options options = GOCORE_ETCD_ELECTION_OPTIONS_INIT;
    gocore_etcd_leadership *leadership;
    gocore_etcd_error *err;
    int code;

    options.ttl_ms = 10000;
    if (gocore_etcd_election_campaign(client, "reporter", identity, &options, GOCORE_ETCD_WAIT_FOREVER, NULL,
                                      &leadership, &err) != GOCORE_ETCD_STATUS_OK)
        return failed(err);
    printf("leading with fencing token %lld\n", (long long)gocore_etcd_leadership_token(leadership));

    code = work(client, leadership);
    if (gocore_etcd_leadership_resign(leadership, 0, &err) != GOCORE_ETCD_STATUS_OK)
        code = failed(err); /* GOCORE_ETCD_STATUS_LOST if it had been lost before */
    gocore_etcd_leadership_free(leadership);
    return code;
}

static int run(gocore_etcd_client *client)
{
    gocore_etcd_subscription *subscription;
    gocore_etcd_error *err;
    char identity[32];
    int code;

    snprintf(identity, sizeof identity, "process %ld", (long)getpid());
    if (gocore_etcd_election_observe(client, "reporter", on_leader, NULL, NULL, &subscription, &err) !=
        GOCORE_ETCD_STATUS_OK)
        return failed(err);
    code = lead(client, identity);
    if (gocore_etcd_subscription_cancel_wait(subscription, 0, &err) != GOCORE_ETCD_STATUS_OK)
        code = failed(err);
    gocore_etcd_subscription_free(subscription);
    if (code == EXIT_SUCCESS)
        puts("resigned");
    return code;
}

int main(int argc, char **argv)
{
    const char *local[] = {"127.0.0.1:2379"};
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_client *client;
    gocore_etcd_error *err;
    int code;

    config.endpoints = argc > 1 ? (const char *const *)(argv + 1) : local;
    config.endpoints_len = argc > 1 ? (size_t)(argc - 1) : 1;
    if (gocore_etcd_client_connect(&config, &client, &err) != GOCORE_ETCD_STATUS_OK)
        return failed(err);
    code = run(client);
    if (gocore_etcd_client_close(client, 0, &err) != GOCORE_ETCD_STATUS_OK)
        code = failed(err);
    gocore_etcd_client_free(client);
    return code;
}
