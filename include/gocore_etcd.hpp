// gocore_etcd: etcd for programs that run in production. C++17 over gocore_etcd.h, header only; link libgocore_etcd.
//
//     gocore::etcd::Config config;
//     config.endpoints = {"127.0.0.1:2379"};
//     auto client = gocore::etcd::Client::connect(config);
//     auto lock = client.lock("jobs/cleanup");
//     client.kv().put("/greeting", "hello");
//     lock.unlock();
//
// Ownership: all types own what they hold, move, and do not copy (Error and values apart). A moved-from or empty object
// gives zero values, and its calls fail with INVALID_ARGUMENT. ~Client closes, for at most 5 s; locks and subscriptions
// keep their client alive. ~Lock and ~Leadership give back what is held, in the background. ~Subscription waits for a running handler,
// except inside of a handler. A std::string_view that a function gives lives as long as the object that gave it.
//
// Errors: each function that can fail throws Error, and has an overload that does not: it takes all parameters, `Error &`
// last, and is noexcept. With -fno-exceptions there are only those. They return an empty optional (or false, or 0) and
// set the error; on success they clear it. To be out of memory is an error too: RESOURCE_EXHAUSTED.
//
// Handlers are whatever can be called and moved; they run on threads of the library, or in Client::dispatch. What one
// throws is said in the log (on stderr where nobody subscribes to it, and for the log's own handlers), and the subscription
// goes on.
//
// Threads, time limits, fork, exit: the first page of gocore_etcd.h.
//
// Each capability is a file of its own, which also may be included alone.
#ifndef GOCORE_ETCD_HPP
#define GOCORE_ETCD_HPP

#include "gocore_etcd/cancel.hpp"
#include "gocore_etcd/candidacy.hpp"
#include "gocore_etcd/client.hpp"
#include "gocore_etcd/config.hpp"
#include "gocore_etcd/election.hpp"
#include "gocore_etcd/entry.hpp"
#include "gocore_etcd/error.hpp"
#include "gocore_etcd/kv.hpp"
#include "gocore_etcd/leader.hpp"
#include "gocore_etcd/leadership.hpp"
#include "gocore_etcd/lock.hpp"
#include "gocore_etcd/log.hpp"
#include "gocore_etcd/put.hpp"
#include "gocore_etcd/range.hpp"
#include "gocore_etcd/subscription.hpp"
#include "gocore_etcd/txn.hpp"
#include "gocore_etcd/txn_result.hpp"
#include "gocore_etcd/version.hpp"
#include "gocore_etcd/watch.hpp"
#include "gocore_etcd/watch_update.hpp"

#endif // GOCORE_ETCD_HPP
