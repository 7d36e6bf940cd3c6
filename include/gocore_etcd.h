/* gocore_etcd: etcd for programs that run in production. The C interface.
 *
 * Written by `cargo xtask header` from ffi/src; do not edit.
 *
 * A program:
 *
 *     const char *endpoints[] = {"127.0.0.1:2379"};
 *     gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
 *     gocore_etcd_client *client;
 *     gocore_etcd_lock *lock;
 *     config.endpoints = endpoints;
 *     config.endpoints_len = 1;
 *     if (gocore_etcd_client_connect(&config, &client, NULL) == GOCORE_ETCD_STATUS_OK) {
 *         if (gocore_etcd_lock_acquire(client, "jobs/cleanup", NULL, 5000, NULL, &lock, NULL) == GOCORE_ETCD_STATUS_OK) {
 *             ... the work ...
 *             gocore_etcd_lock_unlock(lock, 0, NULL);
 *             gocore_etcd_lock_free(lock);
 *         }
 *         gocore_etcd_client_close(client, 0, NULL);
 *         gocore_etcd_client_free(client);
 *     }
 *
 * OWNERSHIP
 *   Everything opaque that a function gives through an output is the caller's, and is freed by the function of its type:
 *   gocore_etcd_x by gocore_etcd_x_free, in any order, from any thread, once; NULL is allowed; freeing never waits. Handles
 *   keep their client alive. What comes out of a handle as a const pointer is borrowed from it. What goes in is read during
 *   the call and copied where it is needed longer.
 *
 * THREADS
 *   Every function may be called from any thread, any number at once, on the same handle too. A call that has begun before
 *   its handle is freed finishes safely; beginning one at the same time as or after the freeing, or freeing twice, is the
 *   caller's error. A function blocks when it takes a time limit and no callback; so does gocore_etcd_client_connect, whose
 *   limit is in its configuration. Each says so under "Threads". All others never wait: those that read a handle, those that
 *   start something and call back, those named _free and _cancel.
 *   A thread that waits may do the library's work meanwhile, its I/O among it, if its stack has room for that (768 KiB): so
 *   an answer wakes no other thread. Nothing of the application's runs there. A thread that is cancelled (pthread_cancel,
 *   deferred as it is by default) in a call ends after it; a call must not be left by longjmp. The library raises no
 *   SIGPIPE.
 *
 * ERRORS
 *   A function that can fail returns a gocore_etcd_status. Its last parameter `err` may be NULL; otherwise `*err` is NULL
 *   after success and an error that the caller frees after failure. Outputs are NULL (numbers: 0) on failure. Results that
 *   are no errors leave `*err` NULL: NOT_ACQUIRED from gocore_etcd_lock_try_acquire, DEADLINE_EXCEEDED from
 *   gocore_etcd_lock_wait_lost and gocore_etcd_leadership_wait_lost, OK with a NULL entry for a key that does not exist and
 *   with a NULL leader when nobody leads. A getter gives its type's zero for NULL.
 *   A pointer that must not be NULL, text that is not UTF-8, a length without a pointer, an unknown value of an enumeration,
 *   a time out of range: INVALID_ARGUMENT, naming the argument. A bug inside the library is INTERNAL; the process lives on.
 *
 * TEXT AND BYTES
 *   Text is UTF-8 and ends with NUL. Keys and values of etcd are bytes with a length; they do not end with NUL, and may
 *   contain it.
 *
 * TIME LIMITS
 *   `timeout_ms`: 0 is the call's default: the client's request timeout for requests, no limit for calls that wait for
 *   others; where it is something else the function says so. GOCORE_ETCD_WAIT_FOREVER is no limit. A limit covers
 *   connecting, retries and waiting. It is at most a year. Calls that wait for others also take a gocore_etcd_cancel_token,
 *   which may be NULL. After expiry or cancelling the library cleans up behind itself in the background.
 *
 * STRUCTS
 *   A struct that goes in begins with its size, and is initialised with the macro of its name and _INIT: then every field is
 *   at its default. Zero is the default of every field. Structs only grow at their end: a program compiled with an older
 *   header runs with a newer library, and one compiled with a newer header runs with an older library as long as it does not
 *   use what that lacks (else UNSUPPORTED). Elements of arrays have no size and do not grow.
 *
 * CALLBACKS
 *   A callback is given when something is started, with `user_data` and `user_free`. If the start fails no callback ever
 *   runs, and `user_free` has run before the function returns. Otherwise outputs are written before the first callback can
 *   run; callbacks run one at a time for each subscription, on a thread of the library that does nothing else meanwhile
 *   (or in gocore_etcd_client_dispatch, for a client that was connected so): a slow one delays its own subscription only.
 *   What a callback gets as a const pointer is borrowed until it returns; where it can be kept, a function _clone does so.
 *   Every function may be called inside a callback, blocking ones too; only waiting for oneself is WRONG_CONTEXT.
 *   `user_free` runs exactly once, after the last callback has returned; never in a forked child, never when the process
 *   exits. Cancelling and freeing a subscription do not wait: no callback begins after they have returned, one that is
 *   running may finish. A callback must not throw or longjmp.
 *
 * VERSIONS
 *   Functions are never changed and never removed while GOCORE_ETCD_ABI_VERSION stays the same; it is the number in the
 *   name libgocore_etcd.so.0. The library stays loaded once it is loaded: dlclose does not unload it.
 *
 * FORK
 *   Handles made before a fork are dead in the child: calls give WRONG_CONTEXT, freeing does nothing (it leaks, runs no
 *   user_free, gives back nothing of the parent's). Clients made in the child work there. The parent is not disturbed.
 *
 * EXIT AND SIGNALS
 *   A program closes its clients (gocore_etcd_client_close) before it ends; what it leaves behind ends with its TTL. The
 *   library runs nothing at exit. Its own threads block all signals but those of their own faults; it installs no handler.
 */

#ifndef GOCORE_ETCD_H
#define GOCORE_ETCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* =================================================================================================================
 * Handles
 *
 * What a program holds; each is freed by the function of its name.
 */

/* Ends the calls it was given to, early.
 *
 * Ownership: freed with gocore_etcd_cancel_token_free, also while calls it was given to still run. Threads: any.
 */
typedef struct gocore_etcd_cancel_token gocore_etcd_cancel_token;

/* A candidacy that goes on in the background.
 *
 * Ownership: freed with gocore_etcd_candidacy_free, also inside its own callback; it keeps its client alive. Threads: any
 * number at once.
 */
typedef struct gocore_etcd_candidacy gocore_etcd_candidacy;

/* A client of an etcd cluster.
 *
 * Ownership: freed with gocore_etcd_client_free; what was made with it (locks, subscriptions) keeps it alive. Threads:
 * any number at once.
 */
typedef struct gocore_etcd_client gocore_etcd_client;

/* Why a call failed.
 *
 * Ownership: whoever receives one frees it with gocore_etcd_error_free (a const one is borrowed). It belongs to no client and outlives all of
 * them. Threads: a single one at a time may free it; the getters may be called from any.
 */
typedef struct gocore_etcd_error gocore_etcd_error;

/* A key with its value and its history in short.
 *
 * Ownership: from gocore_etcd_kv_get it is the caller's, freed with gocore_etcd_kv_entry_free; taken out of a listing, a
 * transaction's result or a watch's update it is borrowed from that, and const. Threads: any number may read it at once.
 */
typedef struct gocore_etcd_kv_entry gocore_etcd_kv_entry;

/* What a range held.
 *
 * Ownership: freed with gocore_etcd_kv_listing_free. Threads: any number may read it at once.
 */
typedef struct gocore_etcd_kv_listing gocore_etcd_kv_listing;

/* One thing a watch had to say.
 *
 * Ownership: borrowed for the callback it is given to; one from gocore_etcd_kv_update_clone is the caller's, freed with
 * gocore_etcd_kv_update_free. Threads: any number may read it at once.
 */
typedef struct gocore_etcd_kv_update gocore_etcd_kv_update;

/* Who leads.
 *
 * Ownership: freed with gocore_etcd_leader_free when it came out of a call or from gocore_etcd_leader_clone; borrowed for
 * the callback it is given to. Threads: any number may read it at once.
 */
typedef struct gocore_etcd_leader gocore_etcd_leader;

/* A leadership. It lives until it is resigned, freed or lost, however it was waited for.
 *
 * Ownership: freed with gocore_etcd_leadership_free; it keeps its client alive. Threads: any number at once.
 */
typedef struct gocore_etcd_leadership gocore_etcd_leadership;

/* A held lock. It lives until it is unlocked, freed or lost, however it was waited for.
 *
 * Ownership: freed with gocore_etcd_lock_free; it keeps its client alive. Threads: any number at once.
 */
typedef struct gocore_etcd_lock gocore_etcd_lock;

/* One thing the library had to say.
 *
 * Ownership: borrowed for the callback it is given to. Threads: any.
 */
typedef struct gocore_etcd_log_record gocore_etcd_log_record;

/* Callbacks that were asked for.
 *
 * Ownership: freed with gocore_etcd_subscription_free, also inside its own callback. Threads: any.
 */
typedef struct gocore_etcd_subscription gocore_etcd_subscription;

/* What a transaction did.
 *
 * Ownership: from gocore_etcd_kv_txn it is the caller's, freed with gocore_etcd_txn_result_free; an inner one is
 * borrowed from the outer, and const. Threads: any number may read it at once.
 */
typedef struct gocore_etcd_txn_result gocore_etcd_txn_result;

/* =================================================================================================================
 * Version
 *
 * The library's own version, and that of its binary interface.
 */

/* The version of the binary interface this header describes; the number in the library's soname. It changes when a
 * function is removed or changed, never when one is added.
 */
#define GOCORE_ETCD_ABI_VERSION 0

/* The version of the library that is loaded, such as "0.1.0".
 *
 * Ownership: the text belongs to the library and lives as long as the process. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_version(void);

/* The version of the binary interface of the library that is loaded; compare it with GOCORE_ETCD_ABI_VERSION.
 *
 * Threads: any. Errors: none. Since 0.1.
 */
uint32_t gocore_etcd_abi_version(void);

/* =================================================================================================================
 * Status and errors
 *
 * Every function that can fail returns a status and, where the caller asks for it, an error that says more.
 */

/* What a call came to. The numbers are fixed; a newer library may return one that is not listed here. */
enum gocore_etcd_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif
 {
    /* It worked. */
    GOCORE_ETCD_STATUS_OK = 0,
    /* An argument was wrong: fix the call. Nothing was sent. */
    GOCORE_ETCD_STATUS_INVALID_ARGUMENT = 1,
    /* It is not there: treat it as absent. */
    GOCORE_ETCD_STATUS_NOT_FOUND = 2,
    /* Somebody else has this id: choose another. */
    GOCORE_ETCD_STATUS_ALREADY_EXISTS = 3,
    /* A compare failed: read again and redo. */
    GOCORE_ETCD_STATUS_CONFLICT = 4,
    /* Somebody else holds it. */
    GOCORE_ETCD_STATUS_NOT_ACQUIRED = 5,
    /* The session, lock or leadership is gone: stop the work that depends on it now. */
    GOCORE_ETCD_STATUS_LOST = 6,
    /* The history asked for was compacted: list again. */
    GOCORE_ETCD_STATUS_COMPACTED = 7,
    /* The time was over; gocore_etcd_error_maybe_applied says whether a write may have happened. */
    GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED = 8,
    /* The caller gave the call up. */
    GOCORE_ETCD_STATUS_CANCELLED = 9,
    /* No endpoint, or no quorum: try later. */
    GOCORE_ETCD_STATUS_UNAVAILABLE = 10,
    /* User name, password or token were refused: fix the credentials. */
    GOCORE_ETCD_STATUS_UNAUTHENTICATED = 11,
    /* The user may not do this: fix the rights. */
    GOCORE_ETCD_STATUS_PERMISSION_DENIED = 12,
    /* Too much: slow down, free space, or send less. */
    GOCORE_ETCD_STATUS_RESOURCE_EXHAUSTED = 13,
    /* The server or this build cannot do it. */
    GOCORE_ETCD_STATUS_UNSUPPORTED = 14,
    /* It was closed by its owner. */
    GOCORE_ETCD_STATUS_CLOSED = 15,
    /* Misuse: waiting for oneself, or use after a fork. */
    GOCORE_ETCD_STATUS_WRONG_CONTEXT = 16,
    /* A bug: report it. */
    GOCORE_ETCD_STATUS_INTERNAL = 17,
    /* What lies in etcd cannot be read; the message names the key and the place. */
    GOCORE_ETCD_STATUS_MALFORMED = 18,
    /* The source takes no writes. */
    GOCORE_ETCD_STATUS_READ_ONLY = 19,
};
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
typedef enum gocore_etcd_status gocore_etcd_status;
#else
typedef int32_t gocore_etcd_status;
#endif

/* What kind of failure it was: the status that the call returned.
 *
 * Ownership: borrows `error`; NULL gives GOCORE_ETCD_STATUS_OK. Threads: any. Errors: none. Since 0.1.
 */
gocore_etcd_status gocore_etcd_error_status(const gocore_etcd_error *error);

/* What happened, for people: the operation, the kind, the key, the cause. Never a secret.
 *
 * Ownership: UTF-8 text that lives as long as `error`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_error_message(const gocore_etcd_error *error);

/* Whether the same call can succeed later without anything being fixed.
 *
 * Ownership: borrows `error`; NULL gives false. Threads: any. Errors: none. Since 0.1.
 */
bool gocore_etcd_error_retryable(const gocore_etcd_error *error);

/* Whether the request may have been, or may still be, applied although it failed. False means: it was not.
 *
 * Ownership: borrows `error`; NULL gives false. Threads: any. Errors: none. Since 0.1.
 */
bool gocore_etcd_error_maybe_applied(const gocore_etcd_error *error);

/* The same error, to be kept beyond the callback that was given it. NULL gives NULL.
 *
 * Ownership: the caller frees what it gives with gocore_etcd_error_free. Threads: any. Errors: none. Since 0.1.
 */
gocore_etcd_error *gocore_etcd_error_clone(const gocore_etcd_error *error);

/* Frees an error; those that a callback borrows are not to be freed. NULL is allowed.
 *
 * Ownership: takes `error`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_error_free(gocore_etcd_error *error);

/* A status in words, such as "deadline exceeded"; "unknown status" for a number that is none.
 *
 * Ownership: the text belongs to the library and lives as long as the process. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_status_text(int32_t status);

/* =================================================================================================================
 * Time limits and cancelling
 *
 * Every call that blocks takes a limit in milliseconds; that of gocore_etcd_client_connect is in its configuration
 * (dial_timeout_ms). Calls that wait for others also take a cancel token: any thread may fire it, and every call it was given
 * to ends with GOCORE_ETCD_STATUS_CANCELLED and cleans up behind itself.
 */

/* No limit. In place of a limit 0 is the call's default. */
#define GOCORE_ETCD_WAIT_FOREVER (-1)

/* A token that has not fired.
 *
 * Ownership: the caller frees it. Threads: any. Errors: none. Since 0.1.
 */
gocore_etcd_cancel_token *gocore_etcd_cancel_token_new(void);

/* Fires: once for all, for every call it was or will be given to. NULL is allowed.
 *
 * Ownership: borrows `token`. Threads: any. Errors: none; after a fork a token of the parent does nothing. Since 0.1.
 */
void gocore_etcd_cancel_token_cancel(gocore_etcd_cancel_token *token);

/* Whether it has fired.
 *
 * Ownership: borrows `token`; NULL gives false. Threads: any. Errors: none. Since 0.1.
 */
bool gocore_etcd_cancel_token_is_cancelled(const gocore_etcd_cancel_token *token);

/* Frees a token; the calls it was given to go on and can no longer be cancelled by it. NULL is allowed.
 *
 * Ownership: takes `token`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_cancel_token_free(gocore_etcd_cancel_token *token);

/* =================================================================================================================
 * Configuration
 *
 * What gocore_etcd_client_connect reads. Zero means the default, everywhere.
 */

/* Callbacks run on threads of the library: the default. */
#define GOCORE_ETCD_CALLBACKS_THREADS 0

/* Callbacks run inside gocore_etcd_client_dispatch, on the application's own threads. */
#define GOCORE_ETCD_CALLBACKS_DISPATCH 1

/* TLS: whom to trust, and who we are. Of each document either the file or the PEM text is given, not both. */
typedef struct gocore_etcd_tls_config {
    /* Set by GOCORE_ETCD_TLS_CONFIG_INIT. */
    size_t struct_size;
    /* The authorities to trust, as a file. Neither this nor `ca_pem`: the system's, or those of the environment variables
       SSL_CERT_FILE and SSL_CERT_DIR. */
    const char *ca_file;
    /* The authorities to trust, as PEM text. */
    const void *ca_pem;
    /* Its length in bytes. */
    size_t ca_pem_len;
    /* Our own certificate with those that lead to its authority, as a file. Needs a key. */
    const char *cert_file;
    /* Our own certificate, as PEM text. */
    const void *cert_pem;
    /* Its length in bytes. */
    size_t cert_pem_len;
    /* The private key of our certificate, as a file. */
    const char *key_file;
    /* The private key, as PEM text. */
    const void *key_pem;
    /* Its length in bytes. */
    size_t key_pem_len;
    /* The name that the server's certificate must carry. NULL: the host of the endpoint. */
    const char *server_name;
} gocore_etcd_tls_config;

/* Every field of gocore_etcd_tls_config at its default. */
#define GOCORE_ETCD_TLS_CONFIG_INIT \
    { sizeof(gocore_etcd_tls_config), NULL, NULL, 0, NULL, NULL, 0, NULL, NULL, 0, NULL }

/* How to reach etcd. */
typedef struct gocore_etcd_client_config {
    /* Set by GOCORE_ETCD_CLIENT_CONFIG_INIT. */
    size_t struct_size;
    /* The members: "host:port", "http://host:port" or "https://host:port"; an IPv6 address in brackets. */
    const char *const *endpoints;
    /* How many there are; at least one. */
    size_t endpoints_len;
    /* The prefix below which all keys of the client lie. NULL: "/go-core". */
    const char *prefix;
    /* The user to authenticate as. NULL: nobody. */
    const char *username;
    /* The user's password; NULL is the empty one. Copied, wiped when the client is gone, never shown. */
    const char *password;
    /* TLS. NULL: none for "http://" and bare endpoints, the system's authorities for "https://". */
    const struct gocore_etcd_tls_config *tls;
    /* How long connecting may take in all. 0: 5,000. */
    int64_t dial_timeout_ms;
    /* How long a request may take where the call sets no limit, retries included. 0: 8,000. */
    int64_t request_timeout_ms;
    /* How often the cluster is asked for its members. 0: never; below 100 is refused. */
    int64_t auto_sync_interval_ms;
    /* How often a connection in use is pinged. 0: 10,000; below 5,000 is refused. */
    int64_t keep_alive_interval_ms;
    /* How long the answer to a ping may take. 0: 3,000; below 100 is refused. */
    int64_t keep_alive_timeout_ms;
    /* Where callbacks run: GOCORE_ETCD_CALLBACKS_THREADS or GOCORE_ETCD_CALLBACKS_DISPATCH. */
    int32_t callbacks;
    /* Zero. */
    int32_t reserved;
} gocore_etcd_client_config;

/* Every field of gocore_etcd_client_config at its default. */
#define GOCORE_ETCD_CLIENT_CONFIG_INIT \
    { sizeof(gocore_etcd_client_config), NULL, 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0 }

/* =================================================================================================================
 * Client
 *
 * The connection to etcd, and the owner of everything that goes on behind it. A program has one, or one for each
 * cluster or prefix it uses.
 */

/* Connects: proves a connection within the configuration's dial timeout, which is the limit of this call.
 *
 * `*client` is the client, or NULL on failure.
 *
 * Ownership: the caller frees `*client` and `*err`; `config` is only read during the call. Threads: any; blocks.
 * Errors: INVALID_ARGUMENT naming everything that is wrong with `config`; UNAUTHENTICATED; UNAVAILABLE when no endpoint
 * could be reached, with the last cause; DEADLINE_EXCEEDED; UNSUPPORTED when `config` asks for what this version of the
 * library does not have. Since 0.1.
 */
gocore_etcd_status gocore_etcd_client_connect(const gocore_etcd_client_config *config,
                                              gocore_etcd_client **client,
                                              gocore_etcd_error **err);

/* The prefix below which everything of this client lies.
 *
 * Ownership: text that lives as long as `client`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_client_prefix(const gocore_etcd_client *client);

/* A key below the prefix: each part without its surrounding slashes, empty parts left out.
 *
 * Ownership: the caller frees `*key` with gocore_etcd_string_free, and `*err`. Threads: any; never waits. Errors:
 * INVALID_ARGUMENT. Since 0.1.
 */
gocore_etcd_status gocore_etcd_client_key(const gocore_etcd_client *client,
                                          const char *const *parts,
                                          size_t parts_len,
                                          char **key,
                                          gocore_etcd_error **err);

/* Closes: gives locks back, revokes leases, ends every background task, completes what is under way, and waits for it,
 * and for the callbacks that come of it (but not inside a callback, and not for callbacks that the application
 * dispatches). Idempotent. Afterwards every call gives CLOSED. A program closes its client before it ends.
 *
 * `timeout_ms`: 0 is the default: 5 s for etcd, which is also the most an etcd that is away can take, and 10 s in all
 * before callbacks that still run are given up.
 *
 * Ownership: borrows `client`, which is still to be freed; the caller frees `*err`. Threads: any; blocks. Errors:
 * INVALID_ARGUMENT; DEADLINE_EXCEEDED when not everything could be given back in time: that goes on in the background,
 * and the TTLs take the rest, but callbacks were waited for all the same; or when a callback still runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_client_close(gocore_etcd_client *client,
                                            int64_t timeout_ms,
                                            gocore_etcd_error **err);

/* Frees a client; what was made with it keeps it alive. When the last of them is freed it closes in the background.
 * NULL is allowed.
 *
 * Ownership: takes `client`. Threads: any; never waits. Errors: none. Since 0.1.
 */
void gocore_etcd_client_free(gocore_etcd_client *client);

/* Frees a text that a function of this library gave away. NULL is allowed.
 *
 * Ownership: takes `text`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_string_free(char *text);

/* =================================================================================================================
 * Subscriptions
 *
 * What calls back again and again, or later, is a subscription: it is cancelled with the functions here, whatever it is
 * a subscription to.
 */

/* Gives `user_data` back: exactly once, after the last callback has returned, or before the function returns that was
 * to start it and failed. NULL: nothing is to be given back.
 */
typedef void (*gocore_etcd_user_free)(void *user_data);

/* Ends a subscription: no callback begins after this has returned; one that runs may finish. NULL is allowed.
 *
 * Ownership: borrows `subscription`, which is still to be freed. Threads: any, also inside its own callback; never
 * waits. Errors: none; after a fork it does nothing. Since 0.1.
 */
void gocore_etcd_subscription_cancel(gocore_etcd_subscription *subscription);

/* Ends a subscription, and waits until the callback that runs has returned and `user_free` has run, which may be on this
 * thread.
 *
 * `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit.
 *
 * Ownership: borrows `subscription`, which is still to be freed; the caller frees `*err`. Threads: any, but not inside
 * a callback or a `user_free`; blocks. Errors: INVALID_ARGUMENT; WRONG_CONTEXT there, where nothing is done: use
 * gocore_etcd_subscription_cancel; DEADLINE_EXCEEDED when a callback still runs: cancelled it is. Work that
 * gocore_etcd_election_run has started is no callback in this: it may wait, but for no run, which is WRONG_CONTEXT. Since
 * 0.1.
 */
gocore_etcd_status gocore_etcd_subscription_cancel_wait(gocore_etcd_subscription *subscription,
                                                        int64_t timeout_ms,
                                                        gocore_etcd_error **err);

/* Ends a subscription as gocore_etcd_subscription_cancel does, and frees its handle. NULL is allowed.
 *
 * Ownership: takes `subscription`; `user_data` is given back once no callback runs. Threads: any, also inside its own
 * callback; never waits. Errors: none; after a fork it does nothing. Since 0.1.
 */
void gocore_etcd_subscription_free(gocore_etcd_subscription *subscription);

/* =================================================================================================================
 * Dispatching callbacks
 *
 * An application with a loop of its own has the callbacks of a client run there: it connects with
 * GOCORE_ETCD_CALLBACKS_DISPATCH, polls gocore_etcd_client_dispatch_fd and calls gocore_etcd_client_dispatch. (The log's
 * callbacks belong to no client and run on threads of the library.)
 */

/* Runs the callbacks of this client that are due, here. `*count` (which may be NULL) is how many ran.
 *
 * `max`: at most so many; 0 is what is there. `timeout_ms`: how long to wait for the first: 0 is not at all, and that
 * none came is no error.
 *
 * Closing the client does not end a call that waits; gocore_etcd_client_free does, and what is still to come then runs on
 * threads of the library.
 *
 * Ownership: borrows `client`; the caller frees `*err`. Threads: any, several at once too: the callbacks of one
 * subscription still run one at a time; blocks for `timeout_ms`, and for the callbacks that it runs. Errors: INVALID_ARGUMENT; WRONG_CONTEXT when the client was connected without
 * GOCORE_ETCD_CALLBACKS_DISPATCH. Since 0.1.
 */
gocore_etcd_status gocore_etcd_client_dispatch(gocore_etcd_client *client,
                                               size_t max,
                                               int64_t timeout_ms,
                                               size_t *count,
                                               gocore_etcd_error **err);

/* A file descriptor that is readable while callbacks are due: for poll, select, epoll. Never read from it, never close it.
 *
 * Ownership: it belongs to the client and is closed with the last handle of it. NULL, and a client connected without
 * GOCORE_ETCD_CALLBACKS_DISPATCH, give -1. Threads: any. Errors: none. Since 0.1.
 */
int32_t gocore_etcd_client_dispatch_fd(const gocore_etcd_client *client);

/* =================================================================================================================
 * Log
 *
 * What the library has to say about what goes on behind the calls: connected, an endpoint left and returned, a retry, a
 * session lost, a watch resumed. Never a secret. It is said to whoever subscribes, and to nobody else: the library writes
 * to no file and no terminal (but for the panic message of a bug).
 */

/* Something failed that somebody should look at. */
#define GOCORE_ETCD_LOG_ERROR 1

/* Something is wrong and is being worked around. */
#define GOCORE_ETCD_LOG_WARN 2

/* What an operator wants to read in calm. */
#define GOCORE_ETCD_LOG_INFO 3

/* What helps to find out why. */
#define GOCORE_ETCD_LOG_DEBUG 4

/* Receives the records, in order. */
typedef void (*gocore_etcd_log_callback)(void *user_data, const gocore_etcd_log_record *record);

/* Has `callback` run for each thing the library has to say from now on, up to `level` (GOCORE_ETCD_LOG_ERROR, _WARN,
 * _INFO or _DEBUG). `*subscription` is the subscription. Any number of them may be there at once.
 *
 * At most 1,024 records wait for a slow callback; then the oldest are dropped, and counted in the next record. A callback
 * that calls the library may hear of its own calls.
 *
 * Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
 * Threads: any; never waits. The callback runs on a thread of the library, also for clients that dispatch. Errors:
 * INVALID_ARGUMENT; RESOURCE_EXHAUSTED when the system gives no thread. Then the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_log_subscribe(int32_t level,
                                             gocore_etcd_log_callback callback,
                                             void *user_data,
                                             gocore_etcd_user_free user_free,
                                             gocore_etcd_subscription **subscription,
                                             gocore_etcd_error **err);

/* Says something in this log, as the library does. True when somebody subscribes to what is as serious as that, so that it can
 * be told elsewhere if nobody does. For layers over this library: the classes of C++ tell so what a handler threw.
 *
 * `level`: one of GOCORE_ETCD_LOG_…. `message`: what is not UTF-8 in it is replaced. For NULL, or another level, nothing is
 * said, and false given.
 *
 * Ownership: `message` is only read during the call. Threads: any; never waits. Errors: none; false after a fork. Since 0.1.
 */
bool gocore_etcd_log_write(int32_t level,
                           const char *message);

/* How serious it is: one of GOCORE_ETCD_LOG_….
 *
 * Ownership: borrows `record`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int32_t gocore_etcd_log_record_level(const gocore_etcd_log_record *record);

/* The part of the library that says it.
 *
 * Ownership: text that lives as long as `record`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_log_record_target(const gocore_etcd_log_record *record);

/* What it says: a sentence, and then what it is about, as "name=value".
 *
 * Ownership: text that lives as long as `record`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_log_record_message(const gocore_etcd_log_record *record);

/* How many records were dropped before this one, because the callback was too slow.
 *
 * Ownership: borrows `record`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
uint64_t gocore_etcd_log_record_dropped(const gocore_etcd_log_record *record);

/* =================================================================================================================
 * Entries
 *
 * A key with its value, as a read gave it. Entries and listings are values: they belong to no client and outlive it.
 */

/* The key; its length in `*len` (which may be NULL). Not NUL-terminated.
 *
 * Ownership: bytes that live as long as `entry`; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
 */
const uint8_t *gocore_etcd_kv_entry_key(const gocore_etcd_kv_entry *entry,
                                        size_t *len);

/* The value; its length in `*len` (which may be NULL). Not NUL-terminated.
 *
 * Ownership: bytes that live as long as `entry`; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
 */
const uint8_t *gocore_etcd_kv_entry_value(const gocore_etcd_kv_entry *entry,
                                          size_t *len);

/* The revision at which this incarnation of the key was created.
 *
 * Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_kv_entry_create_revision(const gocore_etcd_kv_entry *entry);

/* The revision of the key's last change.
 *
 * Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_kv_entry_mod_revision(const gocore_etcd_kv_entry *entry);

/* How often the key was put since its creation.
 *
 * Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_kv_entry_version(const gocore_etcd_kv_entry *entry);

/* The lease the key is under, 0 for none.
 *
 * Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_kv_entry_lease(const gocore_etcd_kv_entry *entry);

/* Frees an entry that gocore_etcd_kv_get gave. NULL is allowed.
 *
 * Ownership: takes `entry`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_kv_entry_free(gocore_etcd_kv_entry *entry);

/* How many entries it has.
 *
 * Ownership: borrows `listing`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
size_t gocore_etcd_kv_listing_len(const gocore_etcd_kv_listing *listing);

/* The entry at `index`, or NULL beyond the last.
 *
 * Ownership: borrowed, it lives as long as `listing`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const gocore_etcd_kv_entry *gocore_etcd_kv_listing_entry(const gocore_etcd_kv_listing *listing,
                                                                size_t index);

/* How many keys the range holds, whatever the limit was.
 *
 * Ownership: borrows `listing`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
uint64_t gocore_etcd_kv_listing_count(const gocore_etcd_kv_listing *listing);

/* Whether the limit cut the answer.
 *
 * Ownership: borrows `listing`; NULL gives false. Threads: any. Errors: none. Since 0.1.
 */
bool gocore_etcd_kv_listing_more(const gocore_etcd_kv_listing *listing);

/* The revision of the store when it was read.
 *
 * Ownership: borrows `listing`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_kv_listing_revision(const gocore_etcd_kv_listing *listing);

/* Frees a listing and its entries. NULL is allowed.
 *
 * Ownership: takes `listing`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_kv_listing_free(gocore_etcd_kv_listing *listing);

/* =================================================================================================================
 * Ranges
 *
 * Which keys to list, delete or watch, and how to read them.
 */

/* This one key: the default. */
#define GOCORE_ETCD_SCOPE_KEY 0

/* Every key that begins with it; without a key, every key there is. */
#define GOCORE_ETCD_SCOPE_PREFIX 1

/* The keys from it up to, and without, `end`. */
#define GOCORE_ETCD_SCOPE_BETWEEN 2

/* Keys and values: the default. */
#define GOCORE_ETCD_CONTENT_ALL 0

/* Keys without their values. */
#define GOCORE_ETCD_CONTENT_KEYS 1

/* The number of keys alone. */
#define GOCORE_ETCD_CONTENT_COUNT 2

/* By key, ascending: the default. */
#define GOCORE_ETCD_ORDER_KEY 0

/* Oldest creation first. */
#define GOCORE_ETCD_ORDER_OLDEST_CREATED 1

/* Newest creation first. */
#define GOCORE_ETCD_ORDER_NEWEST_CREATED 2

/* What belongs to a key given beside it. Everything zero, and NULL, mean this one key as it is now. */
typedef struct gocore_etcd_range_options {
    /* Set by GOCORE_ETCD_RANGE_OPTIONS_INIT. */
    size_t struct_size;
    /* GOCORE_ETCD_SCOPE_KEY, _PREFIX or _BETWEEN. */
    int32_t scope;
    /* GOCORE_ETCD_CONTENT_ALL, _KEYS or _COUNT. For reading. */
    int32_t content;
    /* With GOCORE_ETCD_SCOPE_BETWEEN: the first key beyond the range. */
    const void *end;
    /* Its length in bytes. */
    size_t end_len;
    /* GOCORE_ETCD_ORDER_KEY, _OLDEST_CREATED or _NEWEST_CREATED. For reading. */
    int32_t order;
    /* At most this many; 0 is no limit. For reading. */
    uint32_t limit;
    /* As it was at this revision; 0 is now. For reading. */
    int64_t revision;
    /* Only keys created at or before this revision; 0 is all. For reading. */
    int64_t max_create_revision;
} gocore_etcd_range_options;

/* Every field of gocore_etcd_range_options at its default. */
#define GOCORE_ETCD_RANGE_OPTIONS_INIT \
    { sizeof(gocore_etcd_range_options), 0, 0, NULL, 0, 0, 0, 0, 0 }

/* =================================================================================================================
 * Keys and values
 *
 * Keys are absolute bytes: nothing is prefixed (gocore_etcd_client_key builds a key below the prefix). Each call is one
 * request. A read needs no proposal; a write is one raft proposal, a transaction with a write in either branch also
 * when its conditions refuse it. A write that may have been applied is never sent again: its error says so
 * (gocore_etcd_error_maybe_applied), and reading back decides.
 */

/* How to read one key. */
typedef struct gocore_etcd_get_options {
    /* Set by GOCORE_ETCD_GET_OPTIONS_INIT. */
    size_t struct_size;
    /* As it was at this revision; 0 is now. */
    int64_t revision;
} gocore_etcd_get_options;

/* Every field of gocore_etcd_get_options at its default. */
#define GOCORE_ETCD_GET_OPTIONS_INIT \
    { sizeof(gocore_etcd_get_options), 0 }

/* How to write one key. */
typedef struct gocore_etcd_put_options {
    /* Set by GOCORE_ETCD_PUT_OPTIONS_INIT. */
    size_t struct_size;
    /* The lease that takes the key with it when it ends; 0 is none. */
    int64_t lease;
} gocore_etcd_put_options;

/* Every field of gocore_etcd_put_options at its default. */
#define GOCORE_ETCD_PUT_OPTIONS_INIT \
    { sizeof(gocore_etcd_put_options), 0 }

/* Reads one key. `*entry` is the entry, or NULL when the key does not exist: that is GOCORE_ETCD_STATUS_OK too.
 *
 * `options` may be NULL. `timeout_ms`: 0 is the client's request timeout. Cost: one request, no proposal; threads that read
 * at the same moment, without a revision, may share one.
 *
 * Ownership: the caller frees `*entry` and `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; UNAVAILABLE,
 * DEADLINE_EXCEEDED when etcd is away; COMPACTED when the revision asked for is gone; PERMISSION_DENIED; CLOSED.
 * Since 0.1.
 */
gocore_etcd_status gocore_etcd_kv_get(gocore_etcd_client *client,
                                      const void *key,
                                      size_t key_len,
                                      const gocore_etcd_get_options *options,
                                      int64_t timeout_ms,
                                      gocore_etcd_kv_entry **entry,
                                      gocore_etcd_error **err);

/* Reads a range of keys: what `options` makes of `key`.
 *
 * `options` may be NULL: then it is this one key. `timeout_ms`: 0 is the client's request timeout. An answer of many
 * megabytes is better read in pages: with a limit, at one revision, from the last key on.
 *
 * Ownership: the caller frees `*listing` and `*err`. Threads: any; blocks. Errors: as for gocore_etcd_kv_get.
 * Since 0.1.
 */
gocore_etcd_status gocore_etcd_kv_list(gocore_etcd_client *client,
                                       const void *key,
                                       size_t key_len,
                                       const gocore_etcd_range_options *options,
                                       int64_t timeout_ms,
                                       gocore_etcd_kv_listing **listing,
                                       gocore_etcd_error **err);

/* Writes a key. `*revision` (which may be NULL) is the revision of the write.
 *
 * `options` may be NULL. `timeout_ms`: 0 is the client's request timeout.
 *
 * Ownership: the caller frees `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; NOT_FOUND when there is no such
 * lease; UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away: gocore_etcd_error_maybe_applied says whether it may have
 * been written; RESOURCE_EXHAUSTED; PERMISSION_DENIED; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_kv_put(gocore_etcd_client *client,
                                      const void *key,
                                      size_t key_len,
                                      const void *value,
                                      size_t value_len,
                                      const gocore_etcd_put_options *options,
                                      int64_t timeout_ms,
                                      int64_t *revision,
                                      gocore_etcd_error **err);

/* Deletes a key, or the range that `options` makes of it. `*deleted` (which may be NULL) is the number of keys deleted.
 *
 * `options` may be NULL; of its fields `scope` and `end` are for deleting. `timeout_ms`: 0 is the client's request
 * timeout.
 *
 * Ownership: the caller frees `*err`. Threads: any; blocks. Errors: as for gocore_etcd_kv_put; that nothing was there
 * to delete is none. Since 0.1.
 */
gocore_etcd_status gocore_etcd_kv_delete(gocore_etcd_client *client,
                                         const void *key,
                                         size_t key_len,
                                         const gocore_etcd_range_options *options,
                                         int64_t timeout_ms,
                                         uint64_t *deleted,
                                         gocore_etcd_error **err);

/* =================================================================================================================
 * Transactions
 *
 * If all conditions hold, these operations, otherwise those; atomically, in one revision.
 */

/* Compares the revision at which the key was created with `number`; 0 for a key that does not exist. The default, so
 * that a compare of zeros says: the key does not exist.
 */
#define GOCORE_ETCD_TARGET_CREATE_REVISION 0

/* Compares the revision of the key's last change with `number`. */
#define GOCORE_ETCD_TARGET_MOD_REVISION 1

/* Compares how often the key was put since its creation with `number`. */
#define GOCORE_ETCD_TARGET_VERSION 2

/* Compares the lease the key is under with `number`. */
#define GOCORE_ETCD_TARGET_LEASE 3

/* Compares the value with `value`. */
#define GOCORE_ETCD_TARGET_VALUE 4

/* Equal to: the default. */
#define GOCORE_ETCD_COMPARE_EQUAL 0

/* Not equal to. */
#define GOCORE_ETCD_COMPARE_NOT_EQUAL 1

/* Greater than. */
#define GOCORE_ETCD_COMPARE_GREATER 2

/* Less than. */
#define GOCORE_ETCD_COMPARE_LESS 3

/* Write `key`. */
#define GOCORE_ETCD_OP_PUT 1

/* Read `key`, or the range that `range` makes of it. */
#define GOCORE_ETCD_OP_GET 2

/* Delete `key`, or the range that `range` makes of it. */
#define GOCORE_ETCD_OP_DELETE 3

/* Carry out `txn` inside this one. Its failing conditions do not stop the outer one. */
#define GOCORE_ETCD_OP_TXN 4

/* One condition of a transaction. An element of an array; initialise it with zeros. */
typedef struct gocore_etcd_compare {
    /* The key. */
    const void *key;
    /* Its length in bytes. */
    size_t key_len;
    /* Not empty: for every key from `key` up to, and without, this one; true for a range without keys. */
    const void *end;
    /* Its length in bytes. */
    size_t end_len;
    /* What is compared: one of GOCORE_ETCD_TARGET_…. */
    int32_t target;
    /* How: one of GOCORE_ETCD_COMPARE_…. */
    int32_t compare;
    /* What revisions, versions and leases are compared with. */
    int64_t number;
    /* What values are compared with. */
    const void *value;
    /* Its length in bytes. */
    size_t value_len;
} gocore_etcd_compare;

/* One operation of a transaction. An element of an array; initialise it with zeros. */
typedef struct gocore_etcd_op {
    /* One of GOCORE_ETCD_OP_…. */
    int32_t kind;
    /* Zero. */
    int32_t reserved;
    /* The key; none for GOCORE_ETCD_OP_TXN. */
    const void *key;
    /* Its length in bytes. */
    size_t key_len;
    /* GOCORE_ETCD_OP_PUT: the value. */
    const void *value;
    /* Its length in bytes. */
    size_t value_len;
    /* GOCORE_ETCD_OP_PUT: the lease that takes the key with it, 0 for none. */
    int64_t lease;
    /* GOCORE_ETCD_OP_GET and _DELETE: what belongs to the key; NULL is this one key. */
    const struct gocore_etcd_range_options *range;
    /* GOCORE_ETCD_OP_TXN: the inner transaction. */
    const struct gocore_etcd_txn *txn;
} gocore_etcd_op;

/* The plan of a transaction. No key may be touched twice in it. etcd's default is at most 128 operations in one list;
 * nested transactions hold more.
 */
typedef struct gocore_etcd_txn {
    /* Set by GOCORE_ETCD_TXN_INIT. */
    size_t struct_size;
    /* The conditions; all must hold. */
    const struct gocore_etcd_compare *compares;
    /* How many there are. */
    size_t compares_len;
    /* What is done when all conditions hold. */
    const struct gocore_etcd_op *then_ops;
    /* How many there are. */
    size_t then_ops_len;
    /* What is done when one does not. */
    const struct gocore_etcd_op *else_ops;
    /* How many there are. */
    size_t else_ops_len;
    /* One more condition, that etcd checks: this lock is held by this owner. NULL: none. */
    const struct gocore_etcd_lock *guard;
    /* One more: this leadership is this leader's. NULL: none. */
    const struct gocore_etcd_leadership *leadership;
} gocore_etcd_txn;

/* Every field of gocore_etcd_txn at its default. */
#define GOCORE_ETCD_TXN_INIT \
    { sizeof(gocore_etcd_txn), NULL, 0, NULL, 0, NULL, 0, NULL, NULL }

/* Carries out a transaction. That conditions do not hold is no error: gocore_etcd_txn_result_succeeded says so.
 *
 * `timeout_ms`: 0 is the client's request timeout.
 *
 * Ownership: the caller frees `*result` and `*err`; `txn` is only read during the call. Threads: any; blocks. Errors:
 * INVALID_ARGUMENT; LOST when a guard refused it, no other condition was there and nothing was to be done otherwise;
 * UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away: gocore_etcd_error_maybe_applied says whether it may have been
 * carried out; RESOURCE_EXHAUSTED; PERMISSION_DENIED; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_kv_txn(gocore_etcd_client *client,
                                      const gocore_etcd_txn *txn,
                                      int64_t timeout_ms,
                                      gocore_etcd_txn_result **result,
                                      gocore_etcd_error **err);

/* =================================================================================================================
 * Results of transactions
 *
 * What each operation of a transaction did, in their order. Results are values: they belong to no client.
 */

/* Whether all conditions held: then the results are those of `then_ops`, else those of `else_ops`.
 *
 * Ownership: borrows `result`; NULL gives false. Threads: any. Errors: none. Since 0.1.
 */
bool gocore_etcd_txn_result_succeeded(const gocore_etcd_txn_result *result);

/* The revision it was carried out at; 0 for an inner one.
 *
 * Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_txn_result_revision(const gocore_etcd_txn_result *result);

/* How many operations it carried out.
 *
 * Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
size_t gocore_etcd_txn_result_len(const gocore_etcd_txn_result *result);

/* Which operation it was: one of GOCORE_ETCD_OP_…; 0 beyond the last.
 *
 * Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int32_t gocore_etcd_txn_result_kind(const gocore_etcd_txn_result *result, size_t index);

/* How many entries operation `index` read; 0 for any other operation.
 *
 * Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
size_t gocore_etcd_txn_result_entries_len(const gocore_etcd_txn_result *result, size_t index);

/* Entry number `entry` of what operation `index` read, or NULL.
 *
 * Ownership: borrowed, it lives as long as `result`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const gocore_etcd_kv_entry *gocore_etcd_txn_result_entry(const gocore_etcd_txn_result *result,
                                                                size_t index,
                                                                size_t entry);

/* How many keys operation `index` deleted; 0 for any other operation.
 *
 * Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
uint64_t gocore_etcd_txn_result_deleted(const gocore_etcd_txn_result *result, size_t index);

/* The result of the inner transaction that operation `index` was, or NULL.
 *
 * Ownership: borrowed, it lives as long as `result`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const gocore_etcd_txn_result *gocore_etcd_txn_result_txn(const gocore_etcd_txn_result *result,
                                                                size_t index);

/* Frees a result with all that is in it. NULL is allowed.
 *
 * Ownership: takes `result`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_txn_result_free(gocore_etcd_txn_result *result);

/* =================================================================================================================
 * Watch
 *
 * First what there is, then every change, in the order of revisions, none of them twice, for as long as the subscription
 * lives: over lost connections, restarts and failover. Where changes cannot be had any more (a compaction, a restored
 * cluster, a callback too slow for more than is kept) a snapshot takes their place; nothing is lost in silence.
 */

/* Receives what a watch tells, in order. `update` is borrowed for the call; gocore_etcd_kv_update_clone keeps it. */
typedef void (*gocore_etcd_kv_watch_callback)(void *user_data, const gocore_etcd_kv_update *update);

/* Has `callback` run with what the range holds, and from then on with each change of it: what `options` makes of `key`.
 * `*subscription` is the subscription.
 *
 * `options` may be NULL: then it is this one key; of its fields `scope` and `end` are for watching. The range may be of any
 * size. The first update is a snapshot, apart from those of GOCORE_ETCD_UPDATE_CONNECTED, which tell of the connection
 * whenever that changes; at the beginning it counts as away. That etcd is away is waited out; that it does not let us
 * read the range is told once, by GOCORE_ETCD_UPDATE_PROBLEM, and tried again. For a slow callback up to 4,096 changes or
 * 32 MB are kept, then the newest of each key, then a snapshot is due.
 *
 * The watch goes on after gocore_etcd_client_free, until the subscription is cancelled or freed; gocore_etcd_client_close
 * ends it: then no further callback begins. That it is over, `user_free` tells.
 *
 * Cost: a snapshot is one request for every 1,000 keys. The first watch of a client opens a stream, a further one (up to
 * 1,000) is a message on it; changes cost no request.
 *
 * Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
 * Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED when the system gives no thread. Then
 * the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_kv_watch(gocore_etcd_client *client,
                                        const void *key,
                                        size_t key_len,
                                        const gocore_etcd_range_options *options,
                                        gocore_etcd_kv_watch_callback callback,
                                        void *user_data,
                                        gocore_etcd_user_free user_free,
                                        gocore_etcd_subscription **subscription,
                                        gocore_etcd_error **err);

/* =================================================================================================================
 * Watch: updates
 *
 * What a watch tells. Updates are values: they belong to no client and outlive it.
 */

/* All keys of the range, at one revision: they replace whatever picture the program has of it. */
#define GOCORE_ETCD_UPDATE_SNAPSHOT 1

/* The changes of one revision, in no particular order. */
#define GOCORE_ETCD_UPDATE_CHANGES 2

/* Whether changes come at once, or etcd is away and they will come later. Nothing is lost by it. */
#define GOCORE_ETCD_UPDATE_CONNECTED 3

/* etcd does not let us read the range (PERMISSION_DENIED, UNAUTHENTICATED and the like). It is tried again; a snapshot
 * follows once it does.
 */
#define GOCORE_ETCD_UPDATE_PROBLEM 4

/* The key was written; version 1 of its entry means that it was created. */
#define GOCORE_ETCD_CHANGE_PUT 1

/* The key was deleted, or its lease ended. */
#define GOCORE_ETCD_CHANGE_DELETE 2

/* What it tells: GOCORE_ETCD_UPDATE_SNAPSHOT, _CHANGES, _CONNECTED or _PROBLEM.
 *
 * Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int32_t gocore_etcd_kv_update_kind(const gocore_etcd_kv_update *update);

/* The revision of the snapshot, or of the changes. 0 for the other kinds.
 *
 * No later update has a lower one, until the cluster is restored from a backup: then a snapshot comes whose revision is
 * lower, and it is counted on from there. So a program takes every snapshot as what there is now, and never leaves an update
 * out because its revision is not higher than the last.
 *
 * Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_kv_update_revision(const gocore_etcd_kv_update *update);

/* Of GOCORE_ETCD_UPDATE_CHANGES: whether the callback was slow, and of each key only the newest change is there.
 *
 * Ownership: borrows `update`; NULL gives false. Threads: any. Errors: none. Since 0.1.
 */
bool gocore_etcd_kv_update_coalesced(const gocore_etcd_kv_update *update);

/* Of GOCORE_ETCD_UPDATE_CONNECTED: true when changes come at once, false while etcd is away.
 *
 * Ownership: borrows `update`; NULL gives false. Threads: any. Errors: none. Since 0.1.
 */
bool gocore_etcd_kv_update_connected(const gocore_etcd_kv_update *update);

/* Of GOCORE_ETCD_UPDATE_PROBLEM: what it is; NULL for the other kinds.
 *
 * Ownership: borrowed, it lives as long as `update`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const gocore_etcd_error *gocore_etcd_kv_update_problem(const gocore_etcd_kv_update *update);

/* How many entries or changes it has.
 *
 * Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
size_t gocore_etcd_kv_update_len(const gocore_etcd_kv_update *update);

/* What the change at `index` is: GOCORE_ETCD_CHANGE_PUT or _DELETE; 0 beyond the last, and in a snapshot.
 *
 * Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int32_t gocore_etcd_kv_update_change(const gocore_etcd_kv_update *update, size_t index);

/* The entry at `index` of a snapshot, where they stand in the order of their keys, or what the change at `index` put
 * there; NULL for a delete, and beyond the last.
 *
 * Ownership: borrowed, it lives as long as `update`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const gocore_etcd_kv_entry *gocore_etcd_kv_update_entry(const gocore_etcd_kv_update *update,
                                                               size_t index);

/* The key that the change at `index` deleted, with its length in `*len` (which may be NULL); NULL for a put, in a
 * snapshot, and beyond the last. Not NUL-terminated.
 *
 * Ownership: bytes that live as long as `update`; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
 */
const uint8_t *gocore_etcd_kv_update_deleted(const gocore_etcd_kv_update *update,
                                             size_t index,
                                             size_t *len);

/* The same update, to be kept beyond the callback. Nothing is copied. NULL gives NULL.
 *
 * Ownership: the caller frees what it gives with gocore_etcd_kv_update_free. Threads: any. Errors: none. Since 0.1.
 */
gocore_etcd_kv_update *gocore_etcd_kv_update_clone(const gocore_etcd_kv_update *update);

/* Frees an update that gocore_etcd_kv_update_clone gave; those of callbacks are not to be freed. NULL is allowed.
 *
 * Ownership: takes `update`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_kv_update_free(gocore_etcd_kv_update *update);

/* =================================================================================================================
 * Lock
 *
 * One owner at a time over processes and machines, in order of arrival, with a fencing token.
 *
 * A lock is lost here before the server can give it to the next, while clocks run at the same rate within the margin (2 % of
 * the TTL, at least 50 ms, at most 500 ms) and the server keeps its leases: no revoke, delete or restore by hand, and one of
 * etcd >= 3.4.38, 3.5.23, 3.6.5. Beyond that the fencing token protects: guarded writes to etcd always, other systems where
 * they check it. Tokens order owners until the cluster is restored from a backup; then they begin anew.
 *
 * Programs that use the Go package go-core/etcd contend for the same locks. Do not take a shorter name ("jobs") while
 * holding a longer one ("jobs/1"): a Go program may wait on "jobs" for every key below it.
 */

/* How to take a lock. */
typedef struct gocore_etcd_lock_options {
    /* Set by GOCORE_ETCD_LOCK_OPTIONS_INIT. */
    size_t struct_size;
    /* How long after the death of this process, or the loss of its network, the next may have the lock. 0: 30,000; below
       1,000 is raised to that; rounded up to whole seconds; what the server grants counts. */
    int64_t ttl_ms;
} gocore_etcd_lock_options;

/* Every field of gocore_etcd_lock_options at its default. */
#define GOCORE_ETCD_LOCK_OPTIONS_INIT \
    { sizeof(gocore_etcd_lock_options), 0 }

/* Waits for the lock `key` and takes it, in order of arrival. `*lock` is the held lock, or NULL on failure.
 *
 * `key` lies below the client's prefix; surrounding slashes are trimmed, inner ones kept. `options` may be NULL.
 * `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit; each single request has the client's request timeout all the
 * same. `cancel` may be NULL. After cancel or expiry the place in the queue is given up in the background.
 *
 * Ownership: the caller frees `*lock` and `*err`. Threads: any; blocks. Threads of one process exclude each other like
 * machines do. Errors: INVALID_ARGUMENT; DEADLINE_EXCEEDED; CANCELLED; LOST when the session died while waiting: the
 * place in the queue is gone, call again; UNAVAILABLE; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_lock_acquire(gocore_etcd_client *client,
                                            const char *key,
                                            const gocore_etcd_lock_options *options,
                                            int64_t timeout_ms,
                                            const gocore_etcd_cancel_token *cancel,
                                            gocore_etcd_lock **lock,
                                            gocore_etcd_error **err);

/* Takes the lock `key` if nobody holds it or waits for it; never disturbs a waiter.
 *
 * GOCORE_ETCD_STATUS_NOT_ACQUIRED when somebody does: that is no error, `*err` stays NULL, and so does `*lock`.
 * `options` may be NULL. `timeout_ms`: 0 is the client's request timeout for each request.
 *
 * Ownership: the caller frees `*lock` and `*err`. Threads: any; blocks for a few requests, never for others. Errors:
 * INVALID_ARGUMENT; UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_lock_try_acquire(gocore_etcd_client *client,
                                                const char *key,
                                                const gocore_etcd_lock_options *options,
                                                int64_t timeout_ms,
                                                gocore_etcd_lock **lock,
                                                gocore_etcd_error **err);

/* The full key of the lock in etcd, without the contender's part: for reading and watching keys. Functions that take a lock
 * take its key below the prefix.
 *
 * Ownership: text that lives as long as `lock`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_lock_key(const gocore_etcd_lock *lock);

/* The fencing token: strictly increasing over the owners of this lock, until the cluster is restored from a backup. Give it
 * to systems that can refuse a lower one.
 *
 * Ownership: borrows `lock`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_lock_token(const gocore_etcd_lock *lock);

/* Whether the lock is held: a wait-free read that compares clocks itself. Once false it stays false.
 *
 * Ownership: borrows `lock`; NULL gives false. Threads: any; never waits. Errors: none; false after a fork. Since 0.1.
 */
bool gocore_etcd_lock_is_held(const gocore_etcd_lock *lock);

/* Waits until the lock is held no longer: lost, or given back.
 *
 * GOCORE_ETCD_STATUS_OK when that has happened; GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED when it is still held after
 * `timeout_ms`: that is no error, `*err` stays NULL. `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit. `cancel`
 * may be NULL.
 *
 * Ownership: borrows `lock`, which may be freed meanwhile by another thread; the caller frees `*err`. Threads: any;
 * blocks. Errors: INVALID_ARGUMENT; CANCELLED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_lock_wait_lost(gocore_etcd_lock *lock,
                                              int64_t timeout_ms,
                                              const gocore_etcd_cancel_token *cancel,
                                              gocore_etcd_error **err);

/* Gives the lock back. From the beginning of the call on it is not held. Idempotent: a second call gives the result of
 * the first. The handle is still to be freed.
 *
 * `timeout_ms`: 0 is the client's request timeout, which is also the most there is.
 *
 * Ownership: borrows `lock`; the caller frees `*err`. Threads: any; blocks for one request. Errors: INVALID_ARGUMENT; LOST
 * when it had been lost before; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: then it is given back in the background,
 * and another call waits for that; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_lock_unlock(gocore_etcd_lock *lock,
                                           int64_t timeout_ms,
                                           gocore_etcd_error **err);

/* Writes a key (absolute, as in gocore_etcd_kv_put) if the lock is still held when it arrives at etcd. `*revision`
 * (which may be NULL) is the revision of the write.
 *
 * `options` may be NULL. `timeout_ms`: 0 is the client's request timeout.
 *
 * Ownership: borrows `lock`; the caller frees `*err`. Threads: any; blocks for one request. Errors: LOST when it is not
 * held, here or in etcd: nothing was written; otherwise those of gocore_etcd_kv_put. Since 0.1.
 */
gocore_etcd_status gocore_etcd_lock_put(gocore_etcd_lock *lock,
                                        const void *key,
                                        size_t key_len,
                                        const void *value,
                                        size_t value_len,
                                        const gocore_etcd_put_options *options,
                                        int64_t timeout_ms,
                                        int64_t *revision,
                                        gocore_etcd_error **err);

/* Frees a lock. One that is held is given back in the background; gocore_etcd_client_close waits for that. NULL is
 * allowed.
 *
 * Ownership: takes `lock`. Threads: any; never waits. Errors: none; after a fork it does nothing. Since 0.1.
 */
void gocore_etcd_lock_free(gocore_etcd_lock *lock);

/* =================================================================================================================
 * Lock: callbacks
 *
 * Taking a lock without blocking, and hearing of its loss.
 */

/* What gocore_etcd_lock_acquire_async came to. With GOCORE_ETCD_STATUS_OK `lock` is the held lock and `err` NULL,
 * otherwise `lock` is NULL; the callback owns both, and frees them.
 */
typedef void (*gocore_etcd_lock_callback)(void *user_data,
                                          gocore_etcd_status status,
                                          gocore_etcd_lock *lock,
                                          gocore_etcd_error *err);

/* Says that a lock is held no longer, or that a leadership is over. */
typedef void (*gocore_etcd_lost_callback)(void *user_data);

/* Begins to wait for the lock `key`; `callback` runs exactly once with what came of it, possibly before this returns.
 *
 * The other parameters are those of gocore_etcd_lock_acquire. Cancelling, expiry and closing complete it with CANCELLED,
 * DEADLINE_EXCEEDED and CLOSED; when success is quicker, success it is. Freeing the client's handle changes nothing.
 *
 * Ownership: the callback owns its lock and error; `user_data` is given back by `user_free` after it, or before this
 * returns with a failure; the caller frees `*err`. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED when the
 * client is closed already; RESOURCE_EXHAUSTED when the system gives no thread. Then the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_lock_acquire_async(gocore_etcd_client *client,
                                                  const char *key,
                                                  const gocore_etcd_lock_options *options,
                                                  int64_t timeout_ms,
                                                  const gocore_etcd_cancel_token *cancel,
                                                  gocore_etcd_lock_callback callback,
                                                  void *user_data,
                                                  gocore_etcd_user_free user_free,
                                                  gocore_etcd_error **err);

/* Has `callback` run once when the lock is lost; at once when it was lost already. Never when it is given back (by
 * gocore_etcd_lock_unlock, by freeing it, by closing the client): then the subscription ends. `*subscription` is the
 * subscription.
 *
 * Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
 * Threads: any; never waits. The subscription does not keep the lock held. Errors: INVALID_ARGUMENT; RESOURCE_EXHAUSTED
 * when the system gives no thread. Then the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_lock_on_lost(gocore_etcd_lock *lock,
                                            gocore_etcd_lost_callback callback,
                                            void *user_data,
                                            gocore_etcd_user_free user_free,
                                            gocore_etcd_subscription **subscription,
                                            gocore_etcd_error **err);

/* =================================================================================================================
 * Election
 *
 * One leader at a time among the candidates for a key, in order of arrival, and anybody may ask who it is or watch it.
 *
 * A leadership is lost here before the server can elect the next, while clocks run at the same rate within the margin (2 %
 * of the TTL, at least 50 ms, at most 500 ms) and the server keeps its leases: no revoke, delete or restore by hand, and one
 * of etcd >= 3.4.38, 3.5.23, 3.6.5. Beyond that the fencing token protects: guarded writes to etcd always, other systems
 * where they check it. Tokens order leaders until the cluster is restored from a backup; then they begin anew.
 *
 * Programs that use the Go package go-core/etcd are candidates and observers of the same elections. Do not campaign for a
 * shorter key ("jobs") while leading a longer one ("jobs/1"): a Go program may wait on "jobs" for every key below it.
 *
 * A candidate has an identity, any text by which others find it. Three ways to lead: gocore_etcd_election_campaign waits
 * for it, gocore_etcd_election_candidacy goes for it in the background, gocore_etcd_election_run has the work begun and
 * stopped too.
 *
 * Costs: campaigning and resigning are 2 requests and 2 proposals in all, as long as another lock or leadership of the same
 * TTL was held within the last TTL. A candidate that waits sends nothing; one resignation wakes one candidate.
 */

/* How to be a candidate. */
typedef struct gocore_etcd_election_options {
    /* Set by GOCORE_ETCD_ELECTION_OPTIONS_INIT. */
    size_t struct_size;
    /* How long after the death of this process, or the loss of its network, the next leads. 0: 15,000; below 1,000 is
       raised to that; rounded up to whole seconds; what the server grants counts. */
    int64_t ttl_ms;
} gocore_etcd_election_options;

/* Every field of gocore_etcd_election_options at its default. */
#define GOCORE_ETCD_ELECTION_OPTIONS_INIT \
    { sizeof(gocore_etcd_election_options), 0 }

/* Campaigns for the leadership of `key` and waits for it, in order of arrival. `*leadership` is the leadership, or NULL on
 * failure.
 *
 * `key` lies below the client's prefix; surrounding slashes are trimmed, inner ones kept: "jobs" and "jobs/1" are two
 * elections. `identity` is what observers see of this candidate once it leads: any text that is not blank, at most 1 MiB.
 * `options` may be NULL. `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit; each single request has the client's
 * request timeout all the same. `cancel` may be NULL. After cancel or expiry the place in the queue is given up in the
 * background.
 *
 * Ownership: the caller frees `*leadership` and `*err`. Threads: any; blocks. Candidates of one process are as good as
 * those on different machines. Errors: INVALID_ARGUMENT; DEADLINE_EXCEEDED; CANCELLED; LOST when the session died while
 * waiting: the place in the queue is gone, call again; UNAVAILABLE; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_election_campaign(gocore_etcd_client *client,
                                                 const char *key,
                                                 const char *identity,
                                                 const gocore_etcd_election_options *options,
                                                 int64_t timeout_ms,
                                                 const gocore_etcd_cancel_token *cancel,
                                                 gocore_etcd_leadership **leadership,
                                                 gocore_etcd_error **err);

/* Takes the leadership of `key` if nobody leads or campaigns for it; never disturbs a candidate.
 *
 * GOCORE_ETCD_STATUS_NOT_ACQUIRED when somebody does: that is no error, `*err` stays NULL, and so does `*leadership`.
 * `key`, `identity` and `options` are those of gocore_etcd_election_campaign. `timeout_ms`: 0 is the client's request
 * timeout for each request.
 *
 * Ownership: the caller frees `*leadership` and `*err`. Threads: any; blocks for a few requests, never for others. Errors:
 * INVALID_ARGUMENT; UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_election_try_campaign(gocore_etcd_client *client,
                                                     const char *key,
                                                     const char *identity,
                                                     const gocore_etcd_election_options *options,
                                                     int64_t timeout_ms,
                                                     gocore_etcd_leadership **leadership,
                                                     gocore_etcd_error **err);

/* Who leads `key` now. `*leader` is the leader, or NULL when nobody leads: that is GOCORE_ETCD_STATUS_OK too. No candidacy
 * is needed.
 *
 * `timeout_ms`: 0 is the client's request timeout, which is also the most there is. Cost: one request, no proposal.
 *
 * Ownership: the caller frees `*leader` and `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; MALFORMED, naming the
 * key, when the leader's identity is not UTF-8 (foreign programs may write what they like); UNAVAILABLE,
 * DEADLINE_EXCEEDED when etcd is away; PERMISSION_DENIED; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_election_leader(gocore_etcd_client *client,
                                               const char *key,
                                               int64_t timeout_ms,
                                               gocore_etcd_leader **leader,
                                               gocore_etcd_error **err);

/* =================================================================================================================
 * Election: a leader
 *
 * What anyone sees of a leader. Leaders are values: they belong to no client and outlive it.
 */

/* What it has proclaimed last, at first the identity it campaigned with, with its length in `*len` (which may be NULL).
 *
 * Ownership: UTF-8 text that lives as long as `leader`; it ends with NUL, and has none inside unless a foreign program has
 * written one; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_leader_identity(const gocore_etcd_leader *leader,
                                        size_t *len);

/* Its fencing token, higher than that of every leader before, until the cluster is restored from a backup.
 *
 * Ownership: borrows `leader`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_leader_token(const gocore_etcd_leader *leader);

/* The revision at which its identity was written: the token, until it proclaims another.
 *
 * Ownership: borrows `leader`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_leader_revision(const gocore_etcd_leader *leader);

/* The same leader, to be kept beyond the callback. Nothing is copied. NULL gives NULL.
 *
 * Ownership: the caller frees what it gives with gocore_etcd_leader_free. Threads: any. Errors: none. Since 0.1.
 */
gocore_etcd_leader *gocore_etcd_leader_clone(const gocore_etcd_leader *leader);

/* Frees a leader; those of callbacks are not to be freed. NULL is allowed.
 *
 * Ownership: takes `leader`. Threads: any. Errors: none. Since 0.1.
 */
void gocore_etcd_leader_free(gocore_etcd_leader *leader);

/* =================================================================================================================
 * Election: a leadership
 *
 * What whoever leads may believe, says to others, and gives back.
 */

/* The full key of the election in etcd, without the candidate's part: for reading and watching keys. Functions of elections
 * take the key below the prefix, and would take this one for that of another election: gocore_etcd_leadership_leader and
 * gocore_etcd_leadership_observe ask about this one.
 *
 * Ownership: text that lives as long as `leadership`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_leadership_key(const gocore_etcd_leadership *leadership);

/* What this leader is known as: what it has proclaimed last, at first what it campaigned with. `*identity` is a text of
 * the caller's own, because proclaiming changes it.
 *
 * Ownership: the caller frees `*identity` with gocore_etcd_string_free, and `*err`. Threads: any; never waits. Errors:
 * INVALID_ARGUMENT. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_identity(const gocore_etcd_leadership *leadership,
                                                   char **identity,
                                                   gocore_etcd_error **err);

/* The fencing token: strictly increasing over the leaders of this key, until the cluster is restored from a backup. Give it
 * to systems that can refuse a lower one.
 *
 * Ownership: borrows `leadership`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
 */
int64_t gocore_etcd_leadership_token(const gocore_etcd_leadership *leadership);

/* Whether this still leads: a wait-free read that compares clocks itself. Once false it stays false.
 *
 * Ownership: borrows `leadership`; NULL gives false. Threads: any; never waits. Errors: none; false after a fork.
 * Since 0.1.
 */
bool gocore_etcd_leadership_is_leader(const gocore_etcd_leadership *leadership);

/* Waits until this leads no longer: lost, or resigned.
 *
 * GOCORE_ETCD_STATUS_OK when that has happened; GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED when it still leads after
 * `timeout_ms`: that is no error, `*err` stays NULL. `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit. `cancel`
 * may be NULL.
 *
 * Ownership: borrows `leadership`, which may be freed meanwhile by another thread; the caller frees `*err`. Threads: any;
 * blocks. Errors: INVALID_ARGUMENT; CANCELLED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_wait_lost(gocore_etcd_leadership *leadership,
                                                    int64_t timeout_ms,
                                                    const gocore_etcd_cancel_token *cancel,
                                                    gocore_etcd_error **err);

/* Changes the identity that others see; leadership and token stay. One at a time, in the order of the calls.
 *
 * `identity`: as for gocore_etcd_election_campaign. `timeout_ms`: 0 is the client's request timeout, which is also the most
 * there is. Cost: one request, one proposal; one more after one that failed.
 *
 * Ownership: borrows `leadership`; the caller frees `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; LOST when this
 * leads no longer; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: with gocore_etcd_error_maybe_applied others may see
 * the new identity already or later, until the next proclamation settles it; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_proclaim(gocore_etcd_leadership *leadership,
                                                   const char *identity,
                                                   int64_t timeout_ms,
                                                   gocore_etcd_error **err);

/* Gives the leadership back; the next candidate has it at once. From the beginning of the call on this leads no longer.
 * Idempotent: a second call gives the result of the first. The handle is still to be freed.
 *
 * `timeout_ms`: 0 is the client's request timeout, which is also the most there is.
 *
 * Ownership: borrows `leadership`; the caller frees `*err`. Threads: any; blocks for one request. Errors: INVALID_ARGUMENT;
 * LOST when it had been lost before; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: then it is given back in the
 * background, and another call waits for that; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_resign(gocore_etcd_leadership *leadership,
                                                 int64_t timeout_ms,
                                                 gocore_etcd_error **err);

/* Who leads this leadership's election now, whether it is this or another, also after it has ended: as
 * gocore_etcd_election_leader, for those who have a leadership and not its key below the prefix. `*leader` is the leader, or
 * NULL when nobody leads: that is GOCORE_ETCD_STATUS_OK too.
 *
 * `timeout_ms`: 0 is the client's request timeout, which is also the most there is. Cost: one request, no proposal.
 *
 * Ownership: borrows `leadership`; the caller frees `*leader` and `*err`. Threads: any; blocks. Errors: those of
 * gocore_etcd_election_leader. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_leader(gocore_etcd_leadership *leadership,
                                                 int64_t timeout_ms,
                                                 gocore_etcd_leader **leader,
                                                 gocore_etcd_error **err);

/* Writes a key (absolute, as in gocore_etcd_kv_put) if this still leads when it arrives at etcd. `*revision` (which may be
 * NULL) is the revision of the write.
 *
 * `options` may be NULL. `timeout_ms`: 0 is the client's request timeout.
 *
 * Ownership: borrows `leadership`; the caller frees `*err`. Threads: any; blocks for one request. Errors: LOST when it
 * leads no longer, here or in etcd: nothing was written; otherwise those of gocore_etcd_kv_put. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_put(gocore_etcd_leadership *leadership,
                                              const void *key,
                                              size_t key_len,
                                              const void *value,
                                              size_t value_len,
                                              const gocore_etcd_put_options *options,
                                              int64_t timeout_ms,
                                              int64_t *revision,
                                              gocore_etcd_error **err);

/* Frees a leadership. One that still leads is given back in the background; gocore_etcd_client_close waits for that. NULL
 * is allowed.
 *
 * Ownership: takes `leadership`. Threads: any; never waits. Errors: none; after a fork it does nothing. Since 0.1.
 */
void gocore_etcd_leadership_free(gocore_etcd_leadership *leadership);

/* =================================================================================================================
 * Election: callbacks
 *
 * Campaigning without blocking, hearing of a loss, and watching who leads.
 */

/* What gocore_etcd_election_campaign_async came to. With GOCORE_ETCD_STATUS_OK `leadership` is the leadership and `err`
 * NULL, otherwise `leadership` is NULL; the callback owns both, and frees them.
 */
typedef void (*gocore_etcd_leadership_callback)(void *user_data,
                                                gocore_etcd_status status,
                                                gocore_etcd_leadership *leadership,
                                                gocore_etcd_error *err);

/* Receives who leads, in the order in which they lead. `leader` is NULL when nobody does, and when `problem` is not NULL:
 * then it cannot be said who, because somebody leads whose identity is not UTF-8 (MALFORMED), or because etcd refuses to
 * tell (PERMISSION_DENIED, UNAUTHENTICATED). The next change is told all the same. Both are borrowed for the call;
 * gocore_etcd_leader_clone keeps a leader.
 */
typedef void (*gocore_etcd_leader_callback)(void *user_data,
                                            const gocore_etcd_leader *leader,
                                            const gocore_etcd_error *problem);

/* Begins to campaign for the leadership of `key`; `callback` runs exactly once with what came of it, possibly before this
 * returns.
 *
 * The other parameters are those of gocore_etcd_election_campaign. Cancelling, expiry and closing complete it with
 * CANCELLED, DEADLINE_EXCEEDED and CLOSED; when success is quicker, success it is. Freeing the client's handle changes
 * nothing.
 *
 * Ownership: the callback owns its leadership and error; `user_data` is given back by `user_free` after it, or before this
 * returns with a failure; the caller frees `*err`. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED when the
 * client is closed already; RESOURCE_EXHAUSTED when the system gives no thread. Then the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_election_campaign_async(gocore_etcd_client *client,
                                                       const char *key,
                                                       const char *identity,
                                                       const gocore_etcd_election_options *options,
                                                       int64_t timeout_ms,
                                                       const gocore_etcd_cancel_token *cancel,
                                                       gocore_etcd_leadership_callback callback,
                                                       void *user_data,
                                                       gocore_etcd_user_free user_free,
                                                       gocore_etcd_error **err);

/* Has `callback` run once when the leadership is lost; at once when it was lost already. Never when it is given back (by
 * gocore_etcd_leadership_resign, by freeing it, by closing the client): then the subscription ends. `*subscription` is the
 * subscription.
 *
 * Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
 * Threads: any; never waits. The subscription does not keep the leadership. Errors: INVALID_ARGUMENT; RESOURCE_EXHAUSTED
 * when the system gives no thread. Then the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_on_lost(gocore_etcd_leadership *leadership,
                                                  gocore_etcd_lost_callback callback,
                                                  void *user_data,
                                                  gocore_etcd_user_free user_free,
                                                  gocore_etcd_subscription **subscription,
                                                  gocore_etcd_error **err);

/* Has `callback` run with who leads `key` now, also when nobody does, and from then on at every change; a proclamation is a
 * change with the same token. `*subscription` is the subscription. No candidacy is needed, and nobody need ever have been a
 * candidate.
 *
 * A leader that leads no longer may be left out if the callback was slow or etcd was away; none comes after a later one. A
 * cluster that was restored from a backup begins anew: then a leader with a lower token may come. That etcd is away is
 * waited out. The observation goes on after gocore_etcd_client_free, until the subscription is
 * cancelled or freed; gocore_etcd_client_close ends it: then no further callback begins. That it is over, `user_free`
 * tells.
 *
 * Cost: one read for every 1,000 candidates, and one message for each that comes, proclaims or goes. The first watch or
 * observation of a client opens a stream, which the others share.
 *
 * Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
 * Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED when the system gives no thread. Then
 * the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_election_observe(gocore_etcd_client *client,
                                                const char *key,
                                                gocore_etcd_leader_callback callback,
                                                void *user_data,
                                                gocore_etcd_user_free user_free,
                                                gocore_etcd_subscription **subscription,
                                                gocore_etcd_error **err);

/* Has `callback` run with who leads this leadership's election now, and from then on at every change, also after it has
 * ended: as gocore_etcd_election_observe, for those who have a leadership and not its key below the prefix. `*subscription`
 * is the subscription; it does not keep the leadership.
 *
 * Cost: that of gocore_etcd_election_observe.
 *
 * Ownership: borrows `leadership`, which may be freed; the caller frees `*subscription` (which ends it) and `*err`;
 * `user_data` is given back by `user_free`. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED
 * when the system gives no thread. Then the callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_leadership_observe(gocore_etcd_leadership *leadership,
                                                  gocore_etcd_leader_callback callback,
                                                  void *user_data,
                                                  gocore_etcd_user_free user_free,
                                                  gocore_etcd_subscription **subscription,
                                                  gocore_etcd_error **err);

/* =================================================================================================================
 * Election: a candidacy
 *
 * Campaigning in the background, for a service that goes on serving whether it leads or not: it queues, leads, and should
 * it lose its place or the leadership, it queues again, until it resigns.
 */

/* On its way to leadership. */
#define GOCORE_ETCD_CANDIDACY_WAITING 1

/* It leads. */
#define GOCORE_ETCD_CANDIDACY_LEADING 2

/* It had a place or the leadership, and has neither now: its session died, because etcd could not be reached for a TTL,
 * or because somebody deleted its key. It queues again, at the end, as soon as it can.
 */
#define GOCORE_ETCD_CANDIDACY_LOST 3

/* It has ended: resigned, or its client was closed. Nothing comes after. */
#define GOCORE_ETCD_CANDIDACY_RESIGNED 4

/* Receives how a candidacy stands, in order: at first and at every change one of GOCORE_ETCD_CANDIDACY_…. `place`, while
 * waiting: how many are before it, as gocore_etcd_candidacy_place says. `token`, while leading: the fencing token.
 *
 * `problem` is not NULL when campaigning fails for a reason that does not pass by itself (PERMISSION_DENIED,
 * UNAUTHENTICATED, RESOURCE_EXHAUSTED …): it is told once, `state` is what it was, and campaigning goes on. Borrowed for the
 * call.
 */
typedef void (*gocore_etcd_candidacy_callback)(void *user_data,
                                               int32_t state,
                                               uint64_t place,
                                               int64_t token,
                                               const gocore_etcd_error *problem);

/* Campaigns for the leadership of `key` in the background, and has `callback` (which may be NULL) run with how it stands.
 * `*candidacy` is the candidacy.
 *
 * `key`, `identity` and `options` are those of gocore_etcd_election_campaign. What fails because etcd is away is tried
 * again after at most 2 s, other failures too. A slow callback may miss states, but never that between two leaderships
 * there was none. After RESIGNED it is not called again; gocore_etcd_client_close resigns, and then no further callback
 * begins. That all is over, `user_free` tells.
 *
 * Cost: that of gocore_etcd_election_campaign, and one read when it queues behind others, to know its place. While it waits
 * it sends nothing.
 *
 * Ownership: the caller frees `*candidacy` (which ends it) and `*err`; `user_data` is given back by `user_free`. Threads:
 * any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED when the system gives no thread. Then the
 * callback never runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_election_candidacy(gocore_etcd_client *client,
                                                  const char *key,
                                                  const char *identity,
                                                  const gocore_etcd_election_options *options,
                                                  gocore_etcd_candidacy_callback callback,
                                                  void *user_data,
                                                  gocore_etcd_user_free user_free,
                                                  gocore_etcd_candidacy **candidacy,
                                                  gocore_etcd_error **err);

/* The full key of the election in etcd, without the candidate's part: for reading and watching keys. Functions of elections
 * take the key below the prefix.
 *
 * Ownership: text that lives as long as `candidacy`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
 */
const char *gocore_etcd_candidacy_key(const gocore_etcd_candidacy *candidacy);

/* How it stands now: one of GOCORE_ETCD_CANDIDACY_…. That it leads is as exact as gocore_etcd_leadership_is_leader.
 *
 * Ownership: borrows `candidacy`; NULL gives 0. Threads: any; never waits. Errors: none; 0 after a fork. Since 0.1.
 */
int32_t gocore_etcd_candidacy_state(const gocore_etcd_candidacy *candidacy);

/* While it waits: how many are before it, 1 when only the leader is. 0 as long as it has not queued, and when it does not
 * wait. An upper bound: counted when it queues, keys of longer names included, and then less one each time that the
 * candidate right before it goes.
 *
 * Ownership: borrows `candidacy`; NULL gives 0. Threads: any; never waits. Errors: none; 0 after a fork. Since 0.1.
 */
uint64_t gocore_etcd_candidacy_place(const gocore_etcd_candidacy *candidacy);

/* While it leads: the fencing token, that of gocore_etcd_leadership_token. Otherwise 0.
 *
 * Ownership: borrows `candidacy`; NULL gives 0. Threads: any; never waits. Errors: none; 0 after a fork. Since 0.1.
 */
int64_t gocore_etcd_candidacy_token(const gocore_etcd_candidacy *candidacy);

/* Whether it leads now: a read that compares clocks itself.
 *
 * Ownership: borrows `candidacy`; NULL gives false. Threads: any; never waits. Errors: none; false after a fork. Since 0.1.
 */
bool gocore_etcd_candidacy_is_leader(const gocore_etcd_candidacy *candidacy);

/* The leadership while it leads, else NULL. Resigning it ends the candidacy. Freed, it changes nothing: the candidacy holds
 * the leadership too; a handle that is kept goes on leading after the candidacy was freed.
 *
 * Ownership: the caller frees what it gives with gocore_etcd_leadership_free; NULL gives NULL. Threads: any; never waits.
 * Errors: none; NULL after a fork. Since 0.1.
 */
gocore_etcd_leadership *gocore_etcd_candidacy_leadership(const gocore_etcd_candidacy *candidacy);

/* Ends the candidacy: gives the leadership back, or leaves the queue in the background. From the beginning of the call on
 * it does not lead. Idempotent. The handle is still to be freed.
 *
 * `timeout_ms`: 0 is the client's request timeout, which is also the most there is.
 *
 * Ownership: borrows `candidacy`; the caller frees `*err`. Threads: any; blocks for one request if it led. Errors:
 * INVALID_ARGUMENT; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: then it is given back in the background, and another
 * call waits for that; CLOSED. Since 0.1.
 */
gocore_etcd_status gocore_etcd_candidacy_resign(gocore_etcd_candidacy *candidacy,
                                                int64_t timeout_ms,
                                                gocore_etcd_error **err);

/* Ends the callbacks of a candidacy, not the candidacy, and waits until the one that runs has returned and `user_free` has
 * run, which may be on this thread.
 *
 * `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit.
 *
 * Ownership: borrows `candidacy`; the caller frees `*err`. Threads: any, but not inside a callback or a `user_free` (the
 * work of gocore_etcd_election_run is none); blocks. Errors: INVALID_ARGUMENT; WRONG_CONTEXT there, where nothing is done;
 * DEADLINE_EXCEEDED when a callback still runs: none begins any more. Since 0.1.
 */
gocore_etcd_status gocore_etcd_candidacy_cancel_wait(gocore_etcd_candidacy *candidacy,
                                                     int64_t timeout_ms,
                                                     gocore_etcd_error **err);

/* Frees a candidacy, which ends it in the background, its callbacks too: none begins after this has returned. A leadership
 * that somebody has from gocore_etcd_candidacy_leadership lives until that is freed too. gocore_etcd_client_close waits for
 * what is to be given back. NULL is allowed.
 *
 * Ownership: takes `candidacy`; `user_data` is given back once no callback runs. Threads: any, also inside its own callback;
 * never waits. Errors: none; after a fork it does nothing. Since 0.1.
 */
void gocore_etcd_candidacy_free(gocore_etcd_candidacy *candidacy);

/* =================================================================================================================
 * Election: work that the leader does
 *
 * The work is begun when this leads, stopped when it leads no longer, and begun again.
 */

/* What the work returns: resign, let others lead, campaign again (after a pause, when it has led for less than 2 s). */
#define GOCORE_ETCD_RUN_AGAIN 0

/* What the work returns: resign, and the run is over. So is it for any other number. */
#define GOCORE_ETCD_RUN_DONE 1

/* The work: called when this leads, on a thread of its own; its return ends the leadership, and says what comes then, one
 * of GOCORE_ETCD_RUN_…. `leadership` is borrowed for the call: for its token, its guarded writes, proclaiming. Work that
 * resigns by itself is not stopped for that.
 */
typedef int32_t (*gocore_etcd_run_start_callback)(void *user_data, gocore_etcd_leadership *leadership);

/* Tells the work that was begun with this fencing token to return soon: the leadership is lost, or the run is to end. Called
 * on another thread, at most once for each call of the work, perhaps before that has done its first step, and perhaps while
 * it returns: `stop` has returned before the work is called again and before `user_free`, no earlier. So it may touch only
 * what lives until `user_free`, nothing that is local to the work; best it keeps `token`, for the work to compare with its
 * own.
 */
typedef void (*gocore_etcd_run_stop_callback)(void *user_data, int64_t token);

/* Campaigns for the leadership of `key` in the background, and while leading has `start` do the work; when the leadership
 * is lost, `stop` is called, so that the work returns. Then it starts over, until the work says that it is done or the run
 * is cancelled. `*subscription` is the run, as a subscription.
 *
 * `key`, `identity` and `options` are those of gocore_etcd_election_campaign. There is never more than one call of `start`:
 * as long as one has not returned this candidate does not campaign. How soon it returns after `stop` is the program's
 * affair; until then gocore_etcd_leadership_is_leader says how it stands, and guarded writes are refused by etcd. Whatever
 * fails is tried again after at most 2 s; the log tells of it. So is work that returns within 2 s of its beginning and is to
 * be begun again: after 50 ms at first, twice as long each further time, 2 s at most (±10 %).
 *
 * It is ended by the functions of its subscription, which have `stop` called when work is running, and by
 * gocore_etcd_client_close, which waits for the work to return (but not for a client that dispatches). The leadership is
 * kept until the work has returned, apart from closing, which gives it back at once. That all is over, `user_free` tells.
 *
 * `start` and `stop` run on threads of the library, also for clients that dispatch: work that blocks has no place in a loop
 * of events. A program with such a loop uses gocore_etcd_election_candidacy.
 *
 * Cost: that of gocore_etcd_election_candidacy for each leadership, and one thread.
 *
 * Ownership: the caller frees `*subscription` (which ends the run) and `*err`; `user_data` is given back by `user_free`
 * after `start` and `stop` have returned for the last time. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED;
 * RESOURCE_EXHAUSTED when the system gives no thread. Then no callback ever runs. Since 0.1.
 */
gocore_etcd_status gocore_etcd_election_run(gocore_etcd_client *client,
                                            const char *key,
                                            const char *identity,
                                            const gocore_etcd_election_options *options,
                                            gocore_etcd_run_start_callback start,
                                            gocore_etcd_run_stop_callback stop,
                                            void *user_data,
                                            gocore_etcd_user_free user_free,
                                            gocore_etcd_subscription **subscription,
                                            gocore_etcd_error **err);

#ifdef __cplusplus
}
#endif

#endif /* GOCORE_ETCD_H */
